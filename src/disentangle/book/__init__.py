"""What stands in the book beside the chapters: pictures of the ideas, and figures that move."""

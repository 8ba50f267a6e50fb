/* What scrolls sideways on a small screen can be reached and scrolled with the keyboard. */
window.addEventListener("load", () => {
  const mark = () => {
    for (const box of document.querySelectorAll(".bd-article :is(table, pre, .cell_output, .highlight, mjx-container)")) {
      if (box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1) box.tabIndex = 0;
    }
  };
  mark();
  window.addEventListener("resize", mark);
});

/* What the theme leaves to be said to those who do not see or use no mouse. */
window.addEventListener("load", () => {
  /* The arrow that opens a part of the contents has no text of its own. */
  for (const summary of document.querySelectorAll("nav summary")) {
    const link = summary.closest("li")?.querySelector("a");
    if (!summary.textContent.trim()) summary.setAttribute("aria-label", `Pages below ${link?.textContent.trim() ?? "this one"}`);
  }

  /* References call themselves entries of a bibliography, which is no item of a list. */
  for (const list of document.querySelectorAll(".citation-list[role=list]")) list.removeAttribute("role");

  /* What scrolls inside itself can be reached and scrolled with the keyboard. */
  const boxes = ".bd-article :is(table, pre, .cell_output, .highlight, mjx-container)";
  const mark = () => {
    for (const box of document.querySelectorAll(boxes)) {
      if (box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1) box.tabIndex = 0;
    }
  };
  mark();
  window.addEventListener("resize", mark);
});

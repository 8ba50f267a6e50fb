/* Makes the table of the ledger searchable, filterable and sortable; without this script it is a table like any other. */
(async () => {
  const table = document.querySelector(".ledger-table table");
  if (!table || !window.itablesBundle) return;
  const { default: DataTable, set_or_remove_dark_class: followTheme } = await window.itablesBundle;
  new MutationObserver(followTheme).observe(document.documentElement, { attributeFilter: ["data-theme", "data-mode"] });
  followTheme();

  const column = (name) => [...table.tHead.rows[0].cells].findIndex((cell) => cell.textContent.trim() === name);
  const byValue = (data) => {
    const number = parseFloat(data.replace(/<[^>]*>/g, "").replace("−", "-"));
    return Number.isNaN(number) ? -Infinity : number;
  };
  const byClaim = (data) => data.replace(/<[^>]*>/g, "").replace(/\d+/, (digits) => digits.padStart(3, "0"));
  const sortedBy = (name, key) => ({
    targets: column(name),
    render: (data, type) => (type === "sort" || type === "type" ? key(data) : data),
  });
  const shown = new DataTable(table, {
    paging: false,
    order: [],
    autoWidth: false,
    layout: { topStart: "search", topEnd: null, bottomStart: "info", bottomEnd: null },
    language: { search: "Search", info: "_TOTAL_ of _MAX_ verdicts", infoEmpty: "no verdict", infoFiltered: "" },
    columnDefs: [{ targets: "_all", className: "dt-left" }, sortedBy("Ours [95 % interval]", byValue), sortedBy("Claim", byClaim)],
  });

  const filters = document.createElement("div");
  filters.className = "ledger-filters";
  addFilter("Paper", "Claim", (text) => text.split(".")[0]);
  addFilter("Data", "Data", (text) => text);
  addFilter("Kind", "Kind", (text) => text);
  addFilter("Verdict", "Verdict", (text) => text.split(",")[0]);
  table.closest(".ledger-table").prepend(filters);

  function addFilter(title, heading, valueOf) {
    const at = column(heading);
    const texts = [...table.tBodies[0].rows].map((row) => valueOf(row.cells[at].textContent.trim()));
    const select = document.createElement("select");
    select.append(new Option("all", ""), ...[...new Set(texts)].sort().map((text) => new Option(text, text)));
    select.addEventListener("change", () => {
      const wanted = select.value.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      shown.column(at).search(wanted && `^${wanted}(\\W|$)`, true, false).draw();
    });
    const label = document.createElement("label");
    label.append(`${title} `, select);
    filters.append(label);
  }
})();

/* Figures whose sliders choose among computed states. Nothing is calculated here and nothing is fetched. */
(() => {
  for (const figure of document.querySelectorAll("figure.moving")) start(figure);

  function start(figure) {
    const data = JSON.parse(figure.querySelector("script").textContent);
    const plot = element("div", { className: "moving-plot", role: "img", ariaLabel: data.alt });
    const said = element("p", { className: "moving-said", ariaLive: "polite" });
    const controls = element("div", { className: "moving-controls" });
    const positions = data.sliders.map((slider) => slider.start);
    data.sliders.forEach((slider, at) => controls.append(control(slider, at)));
    figure.querySelector(".moving-still").replaceWith(controls, plot, said);

    /* Pictures arrive a little after the call that draws them: busy until the newest has. */
    let newest = 0;
    const draw = () => {
      const layout = fitted(data.layout, figure.clientWidth);
      plot.style.height = `${layout.height}px`;
      const state = stateAt(data, positions);
      const traces = data.traces.map((trace, at) => Object.assign({}, trace, ...state.map((part) => (part.traces || [])[at])));
      const shapes = state.flatMap((part) => part.shapes || []);
      const drawing = ++newest;
      figure.ariaBusy = "true";
      const done = () => { if (drawing === newest) figure.ariaBusy = "false"; };
      Plotly.react(plot, traces, themed(layout, shapes), { displayModeBar: false, staticPlot: true }).then(done, done);
      said.textContent = state.map((part) => part.said || "").join(" ").trim();
    };
    draw();
    new ResizeObserver(draw).observe(figure);
    new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });

    function control(slider, at) {
      const label = element("label");
      const shown = element("output", { textContent: words(slider, positions[at]) });
      const input = slider.words ? choice(slider, positions[at]) : range(slider, positions[at]);
      input.addEventListener("input", () => {
        positions[at] = Number(input.value);
        shown.textContent = words(slider, positions[at]);
        if (!slider.words) input.setAttribute("aria-valuetext", shown.textContent);
        draw();
      });
      label.append(element("span", { textContent: slider.label }), input, ...(slider.words ? [] : [shown]));
      return label;
    }
  }

  function stateAt(data, positions) {
    return data.parts.map((part) => part.states[part.by.map((slider) => positions[slider]).join(",")]);
  }

  function range(slider, value) {
    const input = element("input", { type: "range", min: 0, max: slider.values.length - 1, step: 1 });
    input.value = value;
    input.setAttribute("aria-valuetext", words(slider, value));
    return input;
  }

  function choice(slider, value) {
    const select = element("select");
    select.append(...slider.values.map((text, at) => new Option(text, at)));
    select.value = value;
    return select;
  }

  function words(slider, at) {
    return `${slider.values[at]} ${slider.unit}`.trim();
  }

  /* On a narrow screen the panels stand below each other. */
  function fitted(layout, width) {
    const across = Object.keys(layout).filter((name) => name.startsWith("xaxis"));
    if (width >= 560 || across.length < 2) return layout;
    const share = 1 / across.length;
    const stacked = { ...layout, height: 290 * across.length };
    across.forEach((name, at) => {
      const up = name.replace("x", "y");
      stacked[name] = { ...layout[name], domain: [0, 1] };
      stacked[up] = { ...layout[up], domain: [1 - (at + 0.82) * share, 1 - at * share] };
    });
    return stacked;
  }

  function themed(layout, shapes) {
    const style = getComputedStyle(document.documentElement);
    const colour = style.getPropertyValue("--pst-color-text-base").trim();
    const lines = style.getPropertyValue("--pst-color-border").trim();
    const own = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: colour } };
    const themedLayout = { margin: { l: 45, r: 10, t: 25, b: 45 }, ...layout, ...own, shapes };
    for (const name of Object.keys(themedLayout).filter((part) => /^[xy]axis/.test(part))) {
      themedLayout[name] = { gridcolor: lines, linecolor: lines, zerolinecolor: lines, ...themedLayout[name] };
    }
    return themedLayout;
  }

  function element(tag, properties = {}) {
    return Object.assign(document.createElement(tag), properties);
  }
})();

"use strict";
(() => {
  const root = document.documentElement;
  const config = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false, showTips: false };
  const charts = [...document.querySelectorAll("figure")].map((figure) => ({
    box: figure.querySelector(".chart"),
    spec: JSON.parse(figure.querySelector("script").textContent),
  }));

  // Colours are CSS variables; plotly needs them resolved.
  const resolve = (value, style) => {
    if (typeof value === "string") return value.startsWith("var(--") ? style.getPropertyValue(value.slice(4, -1)).trim() : value;
    if (Array.isArray(value)) return value.map((item) => resolve(item, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item, style)]));
    }
    return value;
  };

  const draw = async () => {
    if (charts.length && !window.Plotly) return showTables();
    const style = getComputedStyle(root);
    const family = getComputedStyle(document.body).fontFamily;
    return Promise.all(charts.map(({ box, spec }) => {
      const { data, layout } = resolve(spec, style);
      layout.font = { ...layout.font, family };
      layout.hoverlabel = { ...layout.hoverlabel, font: { ...layout.hoverlabel?.font, family } };
      return Plotly.react(box, data, layout, config);
    }));
  };

  const showTables = () => {
    document.getElementById("chartless").hidden = false;
    for (const figure of document.querySelectorAll("figure")) figure.hidden = true;
    for (const table of document.querySelectorAll(".exhibit details")) table.open = true;
  };

  // The section that is being read, among the links to this page's own.
  const mark = () => {
    const links = new Map([...document.querySelectorAll(".within a")].map((link) => [link.hash.slice(1), link]));
    const parts = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
    const update = () => {
      const reached = parts.filter((part) => part.getBoundingClientRect().top <= 120);
      const link = links.get((reached.at(-1) ?? parts[0])?.id);
      if (!link || link.hasAttribute("aria-current")) return;
      for (const other of links.values()) other.removeAttribute("aria-current");
      link.setAttribute("aria-current", "location");
    };
    addEventListener("scroll", update, { passive: true });
    update();
  };

  // On a phone the pages are one line that scrolls: the present one must be seen.
  const reveal = () => {
    const here = document.querySelector(".contents a[aria-current=page]");
    if (here) here.closest("ol").scrollLeft = here.offsetLeft - 24;
  };

  draw().then(() => { root.dataset.charts = "ready"; });
  mark();
  reveal();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();

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

  const draw = () => {
    const style = getComputedStyle(root);
    const family = getComputedStyle(document.body).fontFamily;
    return Promise.all(charts.map(({ box, spec }) => {
      const { data, layout } = resolve(spec, style);
      layout.font = { ...layout.font, family };
      layout.hoverlabel = { ...layout.hoverlabel, font: { ...layout.hoverlabel?.font, family } };
      return Plotly.react(box, data, layout, config);
    }));
  };

  const mark = () => {
    const list = document.querySelector(".contents ol");
    const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.hash.slice(1), link]));
    const parts = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
    const update = () => {
      const reached = parts.filter((part) => part.getBoundingClientRect().top <= 120);
      const link = links.get((reached.at(-1) ?? parts[0])?.id);
      if (!link || link.hasAttribute("aria-current")) return;
      for (const other of links.values()) other.removeAttribute("aria-current");
      link.setAttribute("aria-current", "true");
      list.scrollTo({ left: link.offsetLeft - 24 }); // on a phone the contents are one line that scrolls
    };
    addEventListener("scroll", update, { passive: true });
    update();
  };

  draw().then(() => { root.dataset.charts = "ready"; });
  mark();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();

/* Which photo, which model: a page made from the cards alone. A model's name takes it to the desk. */
(() => {
  const { h } = Stir;
  Stir.parts.guide = ({ element, props }) => {
    const root = element.firstElementChild;
    const name = (one) => {
      const button = h("button", { type: "button", class: "guide-model", "data-model": one.model, title: `Use ${one.title}`, onclick: () => (Stir.goto(0), Stir.emit("use-model", one.model)) }, one.title);
      const stands = h("span", { class: "fact", hidden: true });
      Stir.on("models", () => {
        const state = Stir.standing(one.model);
        stands.textContent = state?.group === "ready" ? "ready here" : state?.group === "download" ? "to download" : "out of reach here";
        stands.hidden = !state;
        button.disabled = state?.group === "out";
      });
      return h("span", { class: "guide-name" }, button, stands);
    };
    const line = (row, one, index) => h("tr", {}, index ? null : h("th", { scope: "rowgroup", rowspan: row.models.length }, h("strong", {}, row.title), h("p", {}, row.says)), h("td", {}, name(one)), h("td", {}, one.why, one.mind ? h("span", { class: "guide-mind" }, " " + one.mind) : null));
    root.append(h("div", { class: "guide" },
      h("div", { class: "shelf-head" }, h("h2", {}, "Which photo, which model"), h("p", { class: "why" }, "Made from the model cards; the best first. What runs on this computer is on the Models tab.")),
      h("table", {}, h("thead", {}, h("tr", {}, ["Photo", "Model", "Why, and what to mind"].map((words) => h("th", { scope: "col" }, words)))),
        props.rows.map((row) => h("tbody", { "data-kind": row.kind }, row.models.map((one, index) => line(row, one, index)))))));
  };
})();

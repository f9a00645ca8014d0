/* Which photo, which model: made from the cards alone. What works here is said; the rest is folded under it. A name takes its model
   to the desk. */
(() => {
  const { h } = Stir;
  const REST = [["download", "after a download"], ["out", "with a larger GPU"], ["hosted", "hosted, with your own token"]];

  Stir.parts.model_guide = ({ element, props }) => {
    const root = element.firstElementChild;
    const use = (one) => (Stir.goto("Create"), Stir.emit("use-model", one.model));
    const why = (one) => h("p", {}, one.why, one.mind ? h("span", { class: "guide-mind" }, " " + one.mind) : null);
    const usable = (one) => h("li", { "data-model": one.model }, h("button", { type: "button", class: "guide-model", "aria-label": "Use " + one.title, onclick: () => use(one) }, one.title), why(one));
    const listFolded = (one) => h("li", { "data-model": one.model }, h("strong", {}, one.title), why(one));

    function kind(row) {
      const here = h("ul", { class: "guide-list" });
      const none = h("p", { class: "why", hidden: true }, "Nothing here suits it yet.");
      const rest = REST.map(([group]) => {
        const list = h("ul", { class: "guide-list" });
        const fold = Stir.fold("", list);
        fold.dataset.group = group;
        return { group, list, fold };
      });
      const node = h("section", { class: "guide-kind", "data-kind": row.kind, "aria-label": row.title }, h("div", { class: "guide-photo" }, h("h3", {}, row.title), h("p", { class: "why" }, row.says)), h("div", { class: "guide-models" }, here, none, rest.map(({ fold }) => fold)));
      let seen = "";
      function paint() {
        const of = (group) => row.models.filter((one) => Stir.standing(one.model)?.group === group);
        const now = row.models.map((one) => Stir.standing(one.model)?.group).join() + Stir.gauge().gpu;
        if (now === seen) return;
        seen = now;
        here.replaceChildren(...of("ready").map(usable));
        none.hidden = of("ready").length > 0;
        for (const { group, list, fold } of rest) {
          const mine = of(group);
          fold.hidden = !mine.length;
          fold.querySelector("summary span").textContent = `${mine.length} more ${group === "out" && !Stir.gauge().gpu ? "with a GPU" : REST.find(([key]) => key === group)[1]}`;
          list.replaceChildren(...mine.map(group === "out" ? listFolded : usable));
        }
      }
      return { node, paint };
    }
    const kinds = props.rows.map(kind);
    Stir.on("models", () => kinds.forEach((one) => one.paint()));
    root.append(h("div", { class: "shelf-head" }, h("h2", {}, "Which photo, which model"), h("p", { class: "why" }, "The best first, from the models' own cards.")), h("div", { class: "guide" }, kinds.map((one) => one.node)));
  };
})();

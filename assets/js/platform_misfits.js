/* What the place a clip is made for doesn't take of it, beside the button, each with the press that puts it right. */
(() => {
  const { h } = Stir;

  /* mend({field: value}) is what a press does; focus stays in the list, or goes to `after` when nothing is left in it. */
  Stir.platformMisfits = (mend, after) => {
    const node = h("ul", { class: "misfits", id: "misfits", role: "status", hidden: true });
    let shown = "[]";
    function line(one) {
      const press = one.change !== null && h("button", { type: "button", class: "solid", "data-field": one.field, onclick: () => mend({ [one.field]: one.change }) }, one.label);
      return h("li", {}, Stir.icon("alert"), h("span", {}, one.says, one.remedy ? " " + one.remedy : ""), press || null);
    }
    return {
      node,
      paint(found) {
        const key = JSON.stringify(found);
        if (key === shown) return;
        const focused = node.contains(document.activeElement);
        shown = key;
        node.hidden = !found.length;
        node.replaceChildren(...found.map(line));
        if (focused) (node.querySelector("button") ?? after).focus();
      },
    };
  };
})();

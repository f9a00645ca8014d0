/* Workers of a Ray cluster on the settings tab: what each one is, holds and does. Asked while the list is seen. */
(() => {
  const { h } = Stir;
  const EVERY = 2000; // ms
  const STATES = { starting: "Starting", working: "At work", idle: "Free", resting: "Resting" };

  Stir.parts.workers_panel = ({ element, server }) => {
    const root = element.firstElementChild;
    const cards = new Map(); // id → its card
    const where = h("p", { class: "why" });
    const list = h("ul", { class: "workers", "aria-label": "Workers" });
    const none = h("p", { class: "why", hidden: true }, "No worker is there. Jobs wait until one is.");
    root.append(h("div", { class: "shelf-head" }, h("h2", {}, "Workers"), where), list, none);

    function make(id) {
      const name = h("h3", {});
      const state = h("p", { class: "stand" });
      const facts = h("dl", { class: "recipe" });
      let resting = false;
      const rest = Stir.button("", { class: "ghost", onclick: async () => paint(await Stir.ask(server.rest, { id, resting: !resting })) });
      const node = h("li", { class: "worker", "data-worker": id }, h("div", { class: "worker-head" }, name, rest), state, facts);
      function show(one) {
        resting = one.resting;
        name.textContent = one.machine;
        node.dataset.state = one.state;
        const says = STATES[one.state] ?? one.state;
        state.textContent = one.job ? `${says} on ${one.job}` : says;
        rest.textContent = resting ? "Work again" : "Rest after its job";
        rest.setAttribute("aria-label", `${one.machine}, ${one.device}: ${rest.textContent.toLowerCase()}`);
        const rows = [["Device", one.device], ["Memory", one.memory], ["Holds", one.models.join(", ") || "no model"], ["Clips made", String(one.done)], ["Answers in", one.ping]];
        facts.replaceChildren(...(one.memory ? rows : []).flatMap(([what, value]) => [h("dt", {}, what), h("dd", {}, value)]));
      }
      return { node, show };
    }
    function paint(answer) {
      if (!answer) return;
      where.textContent = `In the cluster at ${answer.address}. Another machine joins with: python -m studio worker`;
      none.hidden = answer.workers.length > 0;
      const there = new Set(answer.workers.map((one) => one.id));
      for (const [id, card] of cards) if (!there.has(id)) (card.node.remove(), cards.delete(id));
      for (const one of answer.workers) {
        if (!cards.has(one.id)) (cards.set(one.id, make(one.id)), list.append(cards.get(one.id).node));
        cards.get(one.id).show(one);
      }
    }
    async function look() {
      if (root.checkVisibility() && document.visibilityState === "visible") paint(await server.ask_workers({}).catch(() => null));
      setTimeout(look, EVERY);
    }
    new IntersectionObserver((seen) => seen.at(-1).isIntersecting && server.ask_workers({}).then(paint, () => {})).observe(root);
    look();
  };
})();

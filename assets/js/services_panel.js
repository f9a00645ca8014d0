/* Hosted services on the settings tab: each one's token, check and limit; the budgets; and what was agreed to. A token goes from its
   box to the studio and is not kept here: the page knows only how it ends. */
(() => {
  const { h } = Stir;
  const SOURCES = { environment: "from the environment", keyring: "from the keyring", session: "typed in, until Stir is closed" };

  Stir.parts.services_panel = ({ element, props, server }) => {
    const root = element.firstElementChild;
    const cards = new Map(); // service → its card
    const list = h("div", { class: "services" });
    const agreed = h("ul", { class: "agreed" });
    const none = h("p", { class: "why" }, "You have agreed to nothing yet. Before the first clip of each maker you are asked.");
    const note = Stir.note();
    const spent = h("p", { class: "why", id: "spent" });
    const number = (id, name, least, most, placeholder) => h("input", { type: "number", id, min: least, max: most, step: 1, placeholder, onchange: ({ currentTarget: box }) => budget({ [name]: Stir.clamp(Number(box.value) || 0, least, most) }, box) });
    const day = number("day-budget", "day", 0, 100000, "None");
    const session = number("session-budget", "session", 0, 100000, "None");
    const atOnce = number("at-once", "at_once", 1, 100, "4");
    const line = (words, control, why) => h("div", { class: "setting" }, h("label", {}, h("span", {}, words), control), why ? h("p", { class: "why" }, why) : null);
    const stand = h("p", { class: "stand-in", hidden: true }, Stir.icon("alert"), h("span"));
    root.append(
      h("div", { class: "shelf-head" }, h("h2", {}, "Hosted models")), stand,
      h("p", { class: "why" }, "Models that have no open weights, or are too large for this computer, run at a service with a token of your own. Off until you give one. Every clip shows its price before it is made, and what leaves the computer is said before the first."),
      note.node, list,
      h("section", { "aria-label": "Budget" }, h("h3", {}, "Budget"), h("div", { class: "settings-list" }, spent,
        line("Most in a day, $", day, "What would go over it isn't begun. Empty: no limit."),
        line("Most in this session, $", session, "Until Stir is closed. Prices are estimates, read on the day each says; the service's own bill counts."),
        line("Clips at once at a service", atOnce, "They wait on its machines, not on yours."))),
      h("section", { "aria-label": "Agreed" }, h("h3", {}, "What you have agreed to"), none, agreed),
    );
    async function ask(call, value) {
      note.clear();
      const answer = await call(value).catch(() => undefined);
      const refusal = answer === undefined ? { reason: "The studio did not answer.", remedy: "See that it still runs, then try again." } : answer?.refusal;
      if (refusal) note.show(refusal);
      else if (answer) paint(answer);
      return refusal ? null : answer;
    }
    async function budget(value, box) {
      box.blur();
      await ask(server.set_budget, value);
      Stir.tell("spending", Date.now());
    }

    function make(name) {
      const title = h("h3", {});
      const state = h("p", { class: "stand" });
      const box = h("input", { type: "password", class: "path", autocomplete: "off", spellcheck: false, "data-token": name, "data-1p-ignore": true, "data-lpignore": "true" });
      const ring = Stir.toggle("Remember it in the keyring", false, () => {}, {});
      const use = Stir.button("Use it", { class: "solid", type: "submit" });
      const form = h("form", { class: "token-form", autocomplete: "off", onsubmit: keep }, h("div", { class: "joined" }, box, use), ring);
      const forget = Stir.button("Forget it", { class: "ghost", onclick: () => change(server.forget_token, { service: name }) });
      const check = Stir.button("Check", { class: "solid", title: "Asks the service whose token it is, and whether each model still takes what Stir sends. Costs nothing.", onclick: Stir.once(look) });
      const links = h("p", { class: "why" });
      const found = h("div", { class: "checked", role: "status" });
      const node = h("article", { class: "service", "data-service": name }, title, state, form, h("div", { class: "row" }, check, forget), links, found);
      async function change(call, value) {
        const answer = await ask(call, value);
        Stir.tell("spending", Date.now());
        return answer;
      }
      async function keep(event) {
        event.preventDefault();
        const token = box.value;
        box.value = ""; // it is nowhere on the page from here on
        if (!token.trim()) return box.focus();
        if (await change(server.keep_token, { service: name, token, keyring: ring.querySelector("input").checked })) check.focus();
      }
      async function look() {
        found.replaceChildren(h("p", { class: "why" }, "Asking the service…"));
        const answer = await server.check_service({ service: name }).catch(() => undefined);
        const refusal = answer === undefined ? { reason: "The studio did not answer.", remedy: "See that it still runs, then try again." } : answer.refusal;
        if (refusal) return found.replaceChildren(h("div", { class: "note" }, Stir.icon("alert"), h("p", {}, h("strong", {}, refusal.reason), " " + refusal.remedy)));
        found.replaceChildren(h("p", {}, answer.line), answer.wrong.length ? h("dl", { class: "reasons" }, answer.wrong.flatMap(([model, reason]) => [h("dt", {}, model), h("dd", {}, reason)])) : "");
        Stir.tell("spending", Date.now());
      }
      function paintOne(one) {
        title.textContent = one.title;
        state.textContent = one.token ? `Token ends in ${one.token.hint}, ${SOURCES[one.token.source]}` : "No token";
        box.setAttribute("aria-label", `Token for ${one.title}`);
        box.placeholder = one.token ? "Another token" : "Paste your token";
        form.hidden = !props.local || one.token?.source === "environment";
        ring.hidden = !one.keyring;
        check.hidden = !one.token;
        forget.hidden = !one.token || one.token.source === "environment";
        links.replaceChildren(...(one.token ? [] : [`Or set ${one.variable} before Stir starts. `]), ...one.links.flatMap(([words, url], at) => [at ? " · " : "", h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, words)]));
      }
      return { node, paint: paintOne };
    }
    function paint(now) {
      for (const one of now.services) {
        if (!cards.has(one.name)) cards.set(one.name, make(one.name)), list.append(cards.get(one.name).node);
        cards.get(one.name).paint(one);
      }
      stand.hidden = !now.stand_in;
      stand.lastChild.textContent = now.stand_in;
      spent.textContent = now.spent;
      for (const [box, known] of [[day, now.day], [session, now.session], [atOnce, now.at_once]]) if (box !== document.activeElement) box.value = known || "";
      none.hidden = now.agreed.length > 0;
      agreed.replaceChildren(...now.agreed.map(({ id, words }) => h("li", {}, h("span", {}, words), Stir.button("Withdraw", { class: "ghost tiny-text", "aria-label": `Withdraw: ${words}`, onclick: async () => (await ask(server.withdraw, { id })) && Stir.tell("spending", Date.now()) }))));
    }
    const later = Stir.later(() => element.offsetParent && ask(server.ask_services, {}), 200);
    ask(server.ask_services, {});
    Stir.on("board", later);
  };
})();

/* Whose desk this is, on a page that several people share: a name or a stranger, what is kept how long, leaving, deleting; on an owner's page with a password, leaving alone. */
(() => {
  const { h, icon, memory } = Stir;
  const hours = (count) => (count === 1 ? "an hour" : count < 1 ? `${Math.round(60 * count)} minutes` : `${count} hours`);

  /* What a desk has left in this browser goes with it; the look is the browser's own. */
  async function leave(path) {
    await fetch(path, { method: "POST", credentials: "same-origin", headers: { "Content-Type": "application/json" } });
    for (const key of Object.keys(localStorage)) if (key.startsWith("stir.") && key !== "stir.look") localStorage.removeItem(key);
    location.reload();
  }

  Stir.visitorMenu = (kind, server) => {
    if (kind === "owner") return [h("button", { type: "button", class: "ghost tiny", id: "sign-out", "aria-label": "Sign out", title: "Sign out", onclick: () => leave("sign-out") }, icon("exit"))];
    const named = kind === "names";
    const name = h("strong", {}, named ? "…" : "Your own desk");
    const words = h("p", {}), limits = h("p", { class: "soft" });
    const sure = h("div", { class: "sure", hidden: true, role: "group", "aria-label": "Delete everything?" },
      h("p", {}, "Photos, clips and comparisons of yours go for good."),
      h("div", { class: "row" },
        h("button", { type: "button", class: "danger", onclick: () => leave("visitor/forget") }, "Delete everything"),
        h("button", { type: "button", class: "ghost", onclick: () => ask(false) }, "Keep it")));
    const forget = h("button", { type: "button", class: "ghost", onclick: () => ask(true) }, icon("bin"), "Delete all that is mine");
    const out = named ? h("button", { type: "button", class: "ghost", onclick: () => leave("sign-out") }, "Sign out") : null;
    function ask(open) {
      sure.hidden = !open;
      forget.hidden = open;
      (open ? sure.querySelector("button.ghost") : forget).focus();
    }
    const menu = h("div", { class: "visitor-menu", popover: "auto", id: "visitor-menu", role: "dialog", "aria-label": "Whose desk this is" }, name, words, limits, ...[out, forget, sure].filter(Boolean));
    const button = h("button", { type: "button", class: "ghost tiny", id: "visitor", "aria-haspopup": "dialog", "aria-label": "Whose desk this is", title: "Whose desk this is" }, icon("person"));
    button.popoverTargetElement = menu;
    menu.addEventListener("toggle", async () => {
      if (!menu.matches(":popover-open")) return ask(false), button.focus();
      const told = await Stir.ask(server.ask_visitor, {}, "visitor");
      if (!told) return;
      if (named) (name.textContent = told.name), button.setAttribute("aria-label", `${told.name}'s desk`);
      words.textContent = "Photos, clips and comparisons here are yours alone: nobody else's page shows them." + (told.kept ? ` They go ${hours(told.kept)} after your last visit.` : "");
      limits.textContent = told.limits;
    });
    return [button, menu];
  };
})();

/* What costs money: the price beside the button, and the sheet that says it, and what leaves this computer, before anything is paid.
   A price is sent back with the press as it was shown; the studio makes nothing that costs more. */
(() => {
  const { h, icon } = Stir;
  const link = ([title, url]) => h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, title);
  const spread = (links) => links.flatMap((one, at) => [at ? ", " : "", link(one)]);

  /* "about $0.90", of several as many times; "a price that isn't known". */
  Stir.priceWords = ({ amount, unknown, currency }, count = 1) => {
    if (unknown && !amount) return "a price that isn't known";
    const known = `about ${Stir.money(amount * count, currency)}`;
    return unknown ? known + " and more" : known;
  };
  Stir.money = (amount, currency = "USD") => {
    const digits = amount && amount < 0.095 ? 3 : 2;
    return new Intl.NumberFormat("en-US", { style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits }).format(amount);
  };
  /* The most that a press may cost: what was shown. */
  const seen = Stir.seenPrice = (price, count = 1) => ({ amount: price.amount * count, unknown: price.unknown * count });

  function makeTick(words, id) {
    const box = h("input", { type: "checkbox", id });
    return { box, node: h("label", { class: "tick", hidden: true }, box, h("span", {}, words)) };
  }
  const UNKNOWN = "I know that its price isn't known here";

  // The sheet ----------------------------------------------------------------------------------------------------------
  function makeSheet() {
    const title = h("h2", { id: "checkout-title" });
    const body = h("div", { class: "ask-body" });
    const tick = makeTick(UNKNOWN, "checkout-unknown");
    const go = h("button", { type: "button", class: "primary", id: "checkout-go" }, h("span"));
    const no = Stir.button("Cancel", { class: "ghost", onclick: () => node.close() });
    const node = h("dialog", { class: "ask wide checkout", "aria-labelledby": "checkout-title" }, title, body, tick.node, go, h("div", { class: "row between checkout-foot" }, h("p", { class: "why" }), no));
    const totals = node.querySelector(".checkout-foot .why");
    let answer = () => {};
    let yes = false;
    tick.box.addEventListener("change", paint);
    go.addEventListener("click", () => go.getAttribute("aria-disabled") !== "true" && ((yes = true), node.close()));
    node.addEventListener("click", (event) => event.target === node && node.close());
    node.addEventListener("close", () => answer(yes));
    document.body.append(h("div", { class: "part" }, node));
    function paint() {
      go.setAttribute("aria-disabled", String(!tick.node.hidden && !tick.box.checked));
    }
    const consent = (one) => h("section", { class: "consent", "data-consent": one.id, "aria-label": one.title },
      h("h3", {}, one.title),
      h("dl", { class: "recipe" }, one.rows.flatMap(([name, words]) => [h("dt", {}, name), h("dd", {}, words)]), one.links.length ? [h("dt", {}, "Their terms"), h("dd", {}, spread(one.links))] : []));
    return (price) => new Promise((then) => {
      yes = false;
      answer = then;
      const missing = price.consents;
      title.textContent = missing.length ? "Before this leaves the computer" : price.title;
      body.replaceChildren(
        price.stand_in ? h("p", { class: "stand-in" }, icon("alert"), h("span", {}, price.stand_in)) : "",
        ...missing.map(consent),
        h("dl", { class: "recipe checkout-lines" }, price.lines.flatMap(([name, words]) => [h("dt", {}, name), h("dd", {}, words)])),
      );
      tick.box.checked = false;
      tick.node.hidden = !price.unknown;
      totals.textContent = price.totals;
      go.firstChild.textContent = (missing.length ? "Agree and " : "") + (missing.length ? price.verb.toLowerCase() : price.verb) + (price.unknown && !price.amount ? "" : ` for ${Stir.priceWords(price)}`);
      paint();
      node.showModal();
      go.focus();
    });
  }
  let sheet = null;
  Stir.checkout = async (price) => ((await (sheet ??= makeSheet())(price)) ? { ...seen(price), agreed: price.consents.map((one) => one.id) } : null);

  /* A call that may cost money, `send(paid)`: where it does and that wasn't shown yet, the sheet shows it, and one press there sends
     again. Null where that was cancelled. */
  Stir.paying = async (send) => {
    const answer = await send(null);
    if (!answer?.price) return answer;
    const paid = await Stir.checkout(answer.price);
    const done = paid && (await send(paid));
    if (paid?.agreed.length) Stir.tell("spending", paid.agreed);
    return done;
  };
  Stir.buy = (call, value, where) => Stir.paying((paid) => Stir.ask(call, paid ? { ...value, paid } : value, where));

  // Beside the button --------------------------------------------------------------------------------------------------
  /* `paint(price, count)` shows it, null nothing; `paid()` is what a press sends, null where the sheet has to come first. */
  Stir.costLine = (repaint) => {
    const words = h("span", { class: "cost-words" });
    const totals = h("span", { class: "cost-totals" });
    const tick = makeTick(UNKNOWN, "cost-unknown");
    const obstacle = h("span");
    const go = Stir.button("", { class: "ghost tiny-text", onclick: () => lead() });
    go.append(h("span"));
    const over = h("p", { class: "cost-over", role: "status", hidden: true }, obstacle, " ", go);
    let lead = () => {};
    const node = h("div", { class: "cost", id: "cost", hidden: true }, h("p", {}, words, totals), over, tick.node);
    let price = null;
    let count = 1;
    tick.box.addEventListener("change", repaint);
    /* What is spent, or agreed to, changes what a press may cost: the desk asks anew. */
    Stir.on("board", ({ spent }) => totals.textContent !== spent && ((totals.textContent = spent), Stir.tell("spending", spent)));
    return {
      node,
      get blocked() {
        return !over.hidden || (!tick.node.hidden && !tick.box.checked);
      },
      /* Where what stands in the way is put right. */
      lead: () => (over.hidden ? tick.box.focus() : lead()),
      get suffix() {
        return !price ? "" : price.unknown && !price.amount ? "" : " for " + Stir.priceWords(price, count);
      },
      paint(next, many, lacks = null) {
        if (next?.mark !== price?.mark) tick.box.checked = false;
        [price, count] = [next, many];
        node.hidden = !price;
        if (!price) return;
        node.classList.toggle("stands-in", Boolean(price.stand_in));
        words.textContent = [[price.unknown && !price.amount ? "Price unknown" : `About ${Stir.money(price.amount * count, price.currency)}`, price.short[0]].filter(Boolean).join(" "), ...price.short.slice(1), price.stand_in && "stand-in, nothing is billed"].filter(Boolean).join(" · ");
        over.hidden = !lacks && !price.over;
        obstacle.textContent = lacks ? `${lacks.reason} ${lacks.remedy}` : price.over;
        go.lastChild.textContent = lacks ? "Show me" : "Change the budget";
        lead = lacks ? () => Stir.emit("go-to", lacks.where) : () => Stir.goto("Settings", "#day-budget");
        tick.node.hidden = !price.unknown || price.consents.length > 0 || !over.hidden;
      },
      paid: () => (price && !price.consents.length ? seen(price, count) : null),
    };
  };
})();

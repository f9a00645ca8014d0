/* The models tab: how every model stands, what it holds, and what may be done about it. The snapshot tells; nothing here waits. */
(() => {
  const { h } = Stir;
  const GROUPS = [["ready", "Works on this computer"], ["download", "Works after a download"], ["hosted", "Runs at a service, with your own token"]];
  /* GPUs that people have, by the memory in GB they have. */
  const CARDS = [[6, "RTX 2060, RTX 3050 6 GB"], [8, "RTX 3070, RTX 4060"], [10, "RTX 3080"], [12, "RTX 3060 12 GB, RTX 4070"], [16, "RTX 4060 Ti 16 GB, RTX 4080"], [24, "RTX 3090, RTX 4090"], [32, "RTX 5090"], [48, "RTX A6000, L40S"], [80, "A100, H100"]];
  const WHERE = { auto: "Automatic", resident: "All on the GPU", managed: "Moved there when needed", grouped: "Streamed block by block" };
  const MADE = { auto: "Automatic", published: "As published", fp8: "fp8", fp8_fast: "fp8 fast", int8: "int8", gguf: "GGUF file" };

  Stir.parts.models_panel = ({ element, props, server }) => {
    const root = element.firstElementChild;
    const rows = new Map(); // model id → its row
    let preferences = null;
    const gauge = h("p", { class: "why" });
    const sections = Object.fromEntries(GROUPS.map(([key, words]) => {
      const list = h("div", { class: "shelf-list" });
      const count = h("span", { class: "count" });
      return [key, { node: h("section", { class: "shelf-group", "aria-label": words }, h("h3", {}, words, count), list), list, count }];
    }));
    /* What can't run here: folded, and by the GPU that it would take. */
    const beyond = h("div", { class: "fold-body" });
    const plainly = h("p", { class: "why" });
    const tiers = new Map(); // GB → its list
    const fold = Stir.fold("With a larger GPU", plainly, beyond);
    fold.id = "beyond";
    const beyondCount = h("span", { class: "count" });
    fold.querySelector("summary span").after(beyondCount);
    function tier(card) {
      const [size, examples] = CARDS.find(([size]) => card.gpu <= size) ?? CARDS.at(-1);
      const key = card.gpu ? size : 0;
      if (!tiers.has(key)) {
        const words = key ? `${key} GB of video memory` : "Without a GPU";
        const list = h("div", { class: "shelf-list" });
        tiers.set(key, { key, list, node: h("section", { class: "shelf-group", "aria-label": words }, h("h3", {}, words, h("span", { class: "count" }, key ? examples : "")), list) });
        beyond.replaceChildren(...[...tiers.values()].sort((a, b) => a.key - b.key).map((one) => one.node));
      }
      return tiers.get(key);
    }
    const faults = h("section", { class: "shelf-group", hidden: true, "aria-label": "Cards that can't be used" });
    const own = h("p", { class: "why" });
    const dialogs = Stir.modelDialogs(server);
    root.append(h("div", { class: "shelf-head" }, h("h2", {}, "Models"), gauge), ...GROUPS.map(([key]) => sections[key].node), fold, faults, own, dialogs.node);

    function make(card) {
      const [stand, why, problem] = [h("span", {}), h("span", { class: "count" }), h("div", { class: "note", role: "alert", hidden: true }, Stir.icon("alert"), h("p", {}))];
      const facts = h("span", { class: "model-top" });
      const bar = h("div", { class: "bar", role: "progressbar", "aria-label": card.title, "aria-valuemin": "0", "aria-valuemax": "100" }, h("i"));
      const words = h("span", {});
      const left = h("span", { class: "stage-numbers" });
      const progress = h("div", { class: "progress", hidden: true }, bar, h("div", { class: "row between" }, words, left));
      const reasons = h("dl", { class: "reasons" });
      const instead = h("p", { class: "why" });
      const seldom = h("div", { class: "row" });
      const details = h("div", { class: "shelf-details", hidden: true, id: "details-" + card.id }, instead, seldom, ...written(card), reasons, overrides(card));
      const ask = (call, extra = {}) => Stir.ask(call, { id: card.id, ...extra }, card.id);
      const tool = (label, name, run, kind = "ghost", picture = null) => Stir.button(label, { class: kind, "data-do": name, "aria-label": `${label} ${card.title}`, onclick: run }, picture);
      const tools = {
        fetch: tool("Download…", "fetch", () => dialogs.fetch(card), "solid", "down"),
        resume: tool("Resume", "resume", () => ask(server.download_model), "solid", "down"),
        stop: tool("Stop", "stop", () => ask(server.stop_download), "solid", "stop"),
        load: tool("Load", "load", () => ask(server.load_model)),
        unload: tool("Unload", "unload", () => ask(server.unload_model)),
      };
      Object.assign(tools, {
        adopt: props.local ? tool("Use a folder…", "adopt", () => dialogs.adopt(card), "solid", "folder") : null,
        forget: tool("Stop using the folder", "forget", () => ask(server.forget_folder), "solid"),
        convert: tool("Convert weights…", "convert", () => dialogs.convert(card, Stir.standing(card.id)), "solid", "down"),
        bin: tool("Delete from disk…", "delete", () => dialogs.bin(card, Stir.standing(card.id)), "solid", "bin"),
      });
      const often = ["fetch", "resume", "stop", "load", "unload"].map((name) => tools[name]);
      seldom.append(...["convert", "adopt", "forget", "bin"].map((name) => tools[name]).filter(Boolean));
      const use = tool("Use", "use", () => (Stir.goto("Create"), Stir.emit("use-model", card.id)), "solid");
      const more = tool("Details", "details", () => {
        details.hidden = !details.hidden;
        more.setAttribute("aria-expanded", String(!details.hidden));
        paintTools(Stir.standing(card.id));
      });
      more.append(Stir.icon("chevron", 12));
      more.setAttribute("aria-expanded", "false");
      more.setAttribute("aria-controls", details.id);
      const node = h(
        "article", { class: "shelf-row", "data-model": card.id, "aria-label": card.title },
        h("div", { class: "shelf-top" }, h("div", { class: "shelf-text" }, facts, h("p", { class: "model-line" }, card.summary)), h("div", { class: "shelf-tools" }, often, use, more)),
        h("p", { class: "stand" }, stand, why), progress, problem, details,
      );
      let seen = "";
      Stir.on("refusal", (refusal) => refusal.where === card.id && fault(refusal.reason, refusal.remedy));
      function fault(reason, remedy) {
        problem.lastChild.replaceChildren(h("strong", {}, reason), " " + (remedy || ""));
        problem.hidden = !reason;
      }
      function paint(state) {
        const now = JSON.stringify(state);
        if (now === seen) return;
        seen = now;
        node.dataset.group = state.group;
        node.dataset.disk = state.disk;
        node.dataset.memory = state.memory;
        facts.replaceChildren(h("h4", {}, card.title), ...Stir.facts(card));
        stand.textContent = [state.files, state.held, state.time].filter(Boolean).join(" · ");
        why.textContent = state.why;
        instead.textContent = state.fits === "no" ? state.remedy : "";
        instead.hidden = !instead.textContent;
        paintTools(state);
        fault(state.problem, state.fits === "no" ? "" : state.remedy);
        paintProgress(state);
        const where = state.folder ? [{ what: "folder", value: state.folder, reason: state.adopted ? "Yours: it is used as it is, and never changed or deleted" : "Where its files are kept" }] : [];
        reasons.replaceChildren(...(state.choices.length || where.length ? Stir.reasons([...state.choices, ...where]) : []));
      }
      function paintTools(state) {
        const held = state.memory === "ram" || state.memory === "gpu";
        const trained = !["built in", "elsewhere"].includes(state.disk);
        const near = state.group !== "out" || !details.hidden; // what can't run here is not offered at once
        const shows = { fetch: near && state.disk === "missing" && !state.downloading, resume: near && state.disk === "partly" && !state.downloading, stop: state.downloading, load: trained && state.disk === "here" && state.memory === "out" && state.fits !== "no", unload: trained && held, convert: Boolean(state.spared) && !state.downloading, adopt: trained && state.disk !== "here" && !state.downloading, forget: state.adopted, bin: trained && !state.adopted && !state.downloading && (state.disk === "here" || state.disk === "partly") };
        const focus = node.contains(document.activeElement) ? document.activeElement : null;
        for (const [name, one] of Object.entries(tools)) if (one) one.hidden = !shows[name];
        use.hidden = state.group !== "ready" && !(state.group === "hosted" && state.fits === "yes");
        seldom.hidden = ![...seldom.children].some((one) => !one.hidden);
        if (focus?.hidden) [...node.querySelectorAll(".shelf-tools button")].find((one) => !one.hidden)?.focus();
        tools.fetch.className = tools.fetch.className.replace(/solid|ghost/, state.fits === "no" ? "ghost" : "solid");
      }
      function paintProgress({ progress: at, downloading, converting }) {
        progress.hidden = !at;
        if (!at) return;
        const part = at.total ? at.done / at.total : 0;
        bar.firstChild.style.width = part * 100 + "%";
        bar.classList.toggle("unknown", !at.total);
        bar.setAttribute("aria-valuenow", String(Math.round(part * 100)));
        words.textContent = [downloading && at.total && !converting ? "Downloading" : at.note || (downloading ? "Downloading" : "Loading"), at.total ? `${Stir.gigabytes(at.done)} of ${Stir.gigabytes(at.total)}` : ""].filter(Boolean).join(" · ");
        left.textContent = at.remaining === null ? "" : Stir.clock(Math.ceil(at.remaining)) + " left";
      }
      return { node, paint };
    }
    const written = (card) => [
      h("dl", { class: "recipe" }, card.rows.flatMap(([name, words]) => [h("dt", {}, name), h("dd", {}, words)])),
      card.published.length ? h("dl", { class: "recipe" }, card.published.flatMap((one) => [h("dt", {}, "Published"), h("dd", {}, `${one.what}, ${one.device}: ${Stir.span(one.seconds)} `, h("span", { class: "count" }, one.source))])) : null,
    ].filter(Boolean);
    /* Where the weights wait and what they are made of, where the user knows better. */
    function overrides(card) {
      if (!card.local) return "";
      const now = (what) => preferences?.[what][card.id] ?? "auto";
      const keep = async (change) => {
        const answer = await Stir.ask(server.override_model, { id: card.id, placement: now("placement"), weights: now("weights"), ...change }, card.id);
        if (answer) preferences = answer;
      };
      const menu = (label, what, words, names) => h("label", { class: "inline" }, h("span", {}, label), Stir.menu(`${label}, ${card.title}`, names.map((name) => [name, words[name] ?? name]), now(what), (next) => keep({ [what]: next }), { class: "quiet", "data-override": what }));
      const made = menu("Weights are", "weights", MADE, props.weights);
      const unable = Object.entries(Stir.standing(card.id)?.unable ?? {});
      for (const [kind] of unable) made.querySelector(`option[value="${kind}"]`).disabled = true;
      const reasons = unable.map(([kind, reason]) => h("p", { class: "why" }, `${MADE[kind] ?? kind} is off: ${reason}`));
      return h("div", {}, h("div", { class: "row overrides" }, menu("Weights wait", "placement", WHERE, props.placements), made), ...reasons);
    }

    function paint() {
      const cards = Stir.now("cards");
      const standing = Stir.now("models");
      if (!cards || !standing || !preferences) return;
      gauge.textContent = Stir.gauge().full;
      for (const card of cards) {
        const state = Stir.standing(card.id);
        if (!state) continue;
        if (!rows.has(card.id)) rows.set(card.id, make(card));
        rows.get(card.id).paint(state);
      }
      for (const [key] of GROUPS) {
        const { node, list, count } = sections[key];
        const mine = cards.filter((card) => rows.has(card.id) && Stir.groupOf(card) === key);
        node.hidden = !mine.length;
        count.textContent = mine.length;
        arrange(list, mine);
      }
      paintBeyond(cards.filter((card) => rows.has(card.id) && Stir.groupOf(card) === "out"));
      const wanted = Stir.now("wanted-model");
      if (wanted && rows.has(wanted)) {
        Stir.tell("wanted-model", null);
        if (fold.contains(rows.get(wanted).node)) fold.open = true;
        rows.get(wanted).node.scrollIntoView({ block: "center" });
        rows.get(wanted).node.querySelector("[data-do=fetch]:not([hidden]), [data-do=resume]:not([hidden])")?.click();
      }
    }
    function paintBeyond(out) {
      fold.hidden = !out.length;
      fold.querySelector("summary span").textContent = Stir.gauge().gpu ? "With a larger GPU" : "With a GPU";
      beyondCount.textContent = out.length;
      plainly.textContent = Stir.gauge().plainly;
      plainly.hidden = !plainly.textContent;
      const mine = new Map(out.map((card) => [tier(card), []]));
      for (const card of out) mine.get(tier(card)).push(card);
      for (const one of tiers.values()) {
        one.node.hidden = !mine.has(one);
        arrange(one.list, mine.get(one) ?? []);
      }
    }
    function arrange(list, cards) {
      cards.map((card) => rows.get(card.id).node).forEach((one, index) => list.children[index] !== one && move(list, one, index));
    }
    function move(list, node, index) {
      const held = node.contains(document.activeElement) ? document.activeElement : null;
      list.insertBefore(node, list.children[index] ?? null);
      held?.focus({ preventScroll: true });
    }
    for (const topic of ["cards", "models", "wanted-model"]) Stir.on(topic, paint);
    Stir.ask(server.ask_models, {}).then((answer) => {
      preferences = answer?.preferences ?? { placement: {}, weights: {} };
      own.replaceChildren("A model of your own: put its card, a TOML file like those in presets/models, into ", h("code", {}, answer?.cards ?? "home/cards"), " and start Stir again.");
      if (answer?.problems.length) {
        faults.hidden = false;
        faults.replaceChildren(h("h3", {}, "Cards that can't be used"), h("dl", { class: "reasons" }, answer.problems.flatMap(([name, reason]) => [h("dt", {}, name), h("dd", {}, reason)])));
      }
      paint();
    });
  };
})();

/* Settings of models that denoise: the attention kernels tried on this device, and how long models stay in memory. */
(() => {
  const { h } = Stir;

  Stir.kernelTable = (server) => {
    const table = h("table", { class: "kernels" });
    const none = h("p", { class: "why" }, "No attention kernel has been tried here: that happens the first time a model runs on a GPU.");
    const kernel = h("select", { id: "attention", "aria-label": "Attention kernel", onchange: () => keep({ attention: kernel.value }) });
    const number = (id, most, step, name) => h("input", { type: "number", id, min: 0, max: most, step, onchange: (event) => keep({ [name]: Stir.clamp(Number(event.currentTarget.value) || 0, 0, most) }) });
    const idle = number("idle-minutes", 1440, 1, "idle_minutes");
    const cap = number("ram-gb", 4096, 1, "ram_gb");
    const remakes = number("remake-limit", 5, 1, "remake_limit");
    const live = Stir.toggle("Live preview while a model denoises", true, (on) => keep({ preview: on }), { id: "live-preview" });
    const line = (words, control, why) => h("div", { class: "setting" }, h("label", {}, h("span", {}, words), control), h("p", { class: "why" }, why));
    /* Only where there is a GPU: nothing else is run with them. */
    const kernels = h("div", { class: "settings-list", id: "kernels", hidden: true }, line("Attention kernel", kernel, "Each was compared with exact arithmetic; only those that passed are offered."), table, none);
    const node = h(
      "div", { class: "settings-list" }, live,
      line("Unload after idle minutes", idle, "0 keeps models in memory until they are unloaded."),
      line("Memory for models, GB", cap, "0 leaves it to Stir: what the machine has, less a share for everything else."),
      line("Make a broken clip again, times", remakes, "0 never does. One that is frozen, black, cut, noise or far from its photo gets another seed, up to so often; each attempt is kept as a clip of its own. Not for Parallax: another seed changes little there."),
      kernels,
    );
    let preferences = null;

    async function keep(change) {
      const answer = await Stir.ask(server.wish, change);
      if (answer) paint(answer);
      else if (preferences) paint(preferences);
    }
    function paint(now) {
      preferences = now;
      for (const [box, known] of [[idle, now.idle_minutes], [cap, now.ram_gb], [remakes, now.remake_limit]]) if (box !== document.activeElement) box.value = known; // nothing is written over what is being typed
      live.paint(now.preview);
      paintKernels();
    }
    /* Each kernel that was tried, with its time and error, or what stood in its way. */
    function paintKernels() {
      const { gpu, kernels: tried, products } = Stir.gauge();
      const rows = [...tried, ...(products ?? [])];
      kernels.hidden = !gpu;
      table.hidden = !rows.length;
      none.hidden = tried.length > 0;
      table.replaceChildren(h("caption", { class: "unseen" }, "Attention kernels and fp8 products tried on this device"), h("tbody", {}, rows.map((one) => h("tr", { class: one.ok ? "" : "off" }, h("th", { scope: "row" }, one.title), h("td", {}, one.value), h("td", {}, one.reason)))));
      const wanted = preferences?.attention ?? "auto";
      const offered = tried.filter((one) => one.ok || one.name === wanted);
      const missing = wanted === "auto" || offered.some((one) => one.name === wanted) ? [] : [[wanted, wanted]];
      kernel.replaceChildren(...[["auto", "Automatic: the fastest that passed"], ...offered.map((one) => [one.name, one.title]), ...missing].map(([key, words]) => h("option", { value: key }, words)));
      kernel.value = wanted;
    }
    Stir.on("models", paintKernels);
    return { node, paint };
  };
})();

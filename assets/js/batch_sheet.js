/* The batch tab: a new batch, or one of those that are here: what it takes, how far it is, its photos, and what can be done with them. */
(() => {
  const { h, icon, memory } = Stir;
  const SHOWN = [["all", "All"], ["aside", "Set aside"], ["going", "To be made"], ["failed", "Not made"], ["done", "Done"]];
  const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
  const STAGES = { new: "Start", going: "", paused: "Resume", stopped: "Resume", done: "" };
  const photos = (count) => `${count} ${count === 1 ? "photo" : "photos"}`;
  const clips = (count) => `${count} ${count === 1 ? "clip" : "clips"}`;

  Stir.batchSheet = ({ root, server, given }) => {
    let id = memory.get("batch", "");
    let told = null; // the newest answer about the batch in front
    let show = "all";
    let turn = 0;
    let timer = 0;
    let weighed = ""; // what the estimate was made of
    const note = Stir.note();
    const ask = async (call, value, where = note) => {
      const answer = await call(value).catch(() => undefined);
      const refusal = answer === undefined ? { reason: "The studio did not answer.", remedy: "See that it still runs, then try again." } : answer?.refusal;
      if (refusal) return where.show(refusal), null;
      return answer ?? true;
    };
    const inFront = () => Boolean(root.offsetParent) && !document.querySelector("dialog[open]");

    // The bar on top -----------------------------------------------------------------------------------------------------
    const others = h("select", { id: "batch-list", "aria-label": "Batches", onchange: () => open(others.value) });
    const fresh = Stir.button("New batch", { class: "solid", id: "batch-new", onclick: () => open("") }, "plus");
    const name = h("input", { class: "sheet-title", id: "batch-name", "aria-label": "The batch’s name", maxlength: 200, onchange: async () => ((await ask(server.name_batch, { id, name: name.value })), list()) });
    const forget = Stir.button("", { class: "ghost tiny", "aria-label": "Forget this batch", title: "Forget this batch; its clips stay in the library", onclick: () => sure.showModal() }, "bin");
    const bar = h("div", { class: "batch-bar" }, name, h("span", { class: "grow" }), others, fresh, forget);
    const sure = h("dialog", { class: "ask", "aria-label": "Forget this batch" }, h("h2", {}, "Forget this batch?"), h("p", {}, "What waits is cancelled. Its clips stay in the library, and its files where they are."),
      h("div", { class: "row end" }, Stir.button("Keep it", { class: "ghost", onclick: () => sure.close() }), Stir.button("Forget it", { class: "danger", onclick: async () => (sure.close(), (await ask(server.forget_batch, { id })) && open("")) })));

    // A new one ----------------------------------------------------------------------------------------------------------
    let paintGo = () => {};
    const drop = Stir.batchDrop({ given, changed: () => paintGo() });
    const form = Stir.batchForm({ given, changed: () => memory.set("batch-form", { ...form.read(), plan: null }), prompts: drop.prompts });
    form.paint(memory.get("batch-form", {}));
    const look = h("button", { type: "button", class: "primary", id: "batch-look" }, h("span"));
    paintGo = () => ((look.disabled = !drop.ready), (look.firstChild.textContent = drop.many ? `Look at ${drop.many === 1 ? "it" : `these ${drop.many}`}` : "Look at the photos"));
    const begin = Stir.once(async (press) => {
      note.clear();
      const sent = drop.folder ? { files: [], prompts: null } : await drop.send(note.show);
      if (!sent) return;
      const made = await ask(server.create_batch, { form: form.read(), folder: drop.folder, press, ...sent });
      if (!made) return;
      drop.clear();
      await open(made);
      Stir.say("The photos are being looked at.");
    }, (busy) => ((look.disabled = busy), busy || paintGo()));
    look.addEventListener("click", () => begin());
    const start = h("section", { class: "batch-start", "aria-label": "A new batch" },
      h("div", { class: "batch-start-photos" }, h("h2", {}, "Photos"), drop.node), h("div", { class: "batch-start-form" }, form.node, look, h("p", { class: "why" }, "Nothing is made yet: first each photo is looked at, and you see what it takes.")));

    // One that is there: its side ------------------------------------------------------------------------------------------
    const line = h("p", { class: "batch-line", "aria-live": "polite" });
    const whole = h("i", { class: "thin-bar" }, h("i"));
    const takes = h("dl", { class: "batch-takes" });
    const verb = (words, props, picture) => Stir.button(words, { class: "solid", ...props }, picture);
    const go = h("button", { type: "button", class: "primary", id: "batch-go" }, h("span"));
    const goOn = Stir.once(async () => {
      note.clear();
      if (await Stir.paying((paid) => ask(server.start_batch, { id, rows: null, paid }))) Stir.claim(id), Stir.say("The batch is on its way.");
      refresh();
    });
    go.addEventListener("click", () => goOn());
    const pause = verb("Pause", { id: "batch-pause", onclick: async () => ((await ask(server.pause_batch, { id })), refresh()) }, "pause");
    const stop = verb("Stop", { id: "batch-stop", onclick: async () => ((await ask(server.stop_batch, { id })), refresh()) }, "stop");
    const mend = verb("", { id: "batch-mend", onclick: () => room.mend(null) }, "brush");
    const retry = verb("", { id: "batch-retry", onclick: () => room.retry(null) }, "retry");
    mend.append(h("span"));
    retry.append(h("span"));
    const settings = Stir.batchForm({ given, changed: () => (apply.disabled = false) });
    const apply = Stir.button("Apply to all photos", { class: "solid", id: "batch-apply", disabled: true, onclick: () => change({ ...settings.read(), plan: told.settings.plan }) });
    const settingsFold = Stir.fold("Settings of all", h("div", { class: "fold-body" }, settings.node, apply));
    const change = async (next) => {
      if (!(await ask(server.set_batch, { id, form: next }))) return;
      apply.disabled = true;
      refresh();
    };
    const plan = planFold((next) => change({ ...told.settings, plan: next }));
    const files = filesFold();
    const side = h("aside", { class: "batch-side", "aria-label": "The batch" }, line, whole, takes, go, h("div", { class: "batch-pair" }, pause, stop), mend, retry, note.node, settingsFold, plan.node, files.node);

    // Its photos -----------------------------------------------------------------------------------------------------------
    const room = {
      marked: new Set(), busy: false,
      play: async (row) => (await ask(server.preview_row, { id, row: row.id }))?.path,
      show: (clip) => (Stir.goto("Create"), Stir.emit("show-clip", clip)),
      edit: (row) => editor.open([row.id], row),
      mend: (rows) => act(server.mend_rows, rows, (count) => `${photos(count)} mended.`),
      take: (rows) => act(server.take_rows, rows, (count) => `${photos(count)} taken as they are.`),
      retry: async (rows) => (await Stir.paying((paid) => ask(server.retry_rows, { id, rows, paid })), refresh()),
      remove: (rows) => (rows.forEach((row) => room.marked.delete(row)), act(server.remove_rows, rows, () => "Removed.")),
      move: async (row, before) => ((await ask(server.move_row, { id, row, before })), refresh()),
      remark: () => paintMarks(),
    };
    async function act(call, rows, words) {
      const answer = await ask(call, { id, rows });
      if (answer !== null) Stir.say(words(answer));
      refresh();
    }
    const filter = h("div", { class: "segments batch-filter", role: "group", "aria-label": "Show" }, SHOWN.map(([key, words]) => h("button", { type: "button", "data-value": key, "aria-pressed": "false", onclick: () => ((show = key), refresh(0)) }, words, h("small"))));
    const all = h("input", { type: "checkbox", "aria-label": "Mark all that are in sight", onchange: () => (told.rows.forEach((row) => (all.checked ? room.marked.add(row.id) : room.marked.delete(row.id))), paintMarks()) });
    const rows = Stir.batchRows({ room, look: (offset) => refresh(offset) });
    const nothing = h("p", { class: "nothing batch-nothing", hidden: true });
    const counted = h("span", { class: "count" });
    const marks = h("div", { class: "marks", hidden: true, role: "toolbar", "aria-label": "What is marked" }, Stir.button("", { class: "ghost tiny", "aria-label": "Unmark all", onclick: () => (room.marked.clear(), paintMarks()) }, "close"), counted, h("span", { class: "grow" }),
      Stir.button("Change", { class: "solid", id: "marks-edit", onclick: () => editor.open([...room.marked], null) }, "sliders"), Stir.button("Mend", { class: "ghost", onclick: () => room.mend([...room.marked]) }, "brush"), Stir.button("Take as they are", { class: "ghost", onclick: () => room.take([...room.marked]) }, "check"),
      Stir.button("Retry", { class: "ghost", onclick: () => room.retry([...room.marked]) }, "retry"), Stir.button("Remove", { class: "ghost", onclick: () => room.remove([...room.marked]) }, "bin"));
    const editor = makeEditor();
    const table = h("section", { class: "batch-table", "aria-label": "Photos" }, h("div", { class: "batch-head" }, h("label", { class: "row-mark" }, all, icon("check", 12)), filter), rows.node, nothing, marks);
    const view = h("div", { class: "batch-view" }, side, table);
    root.append(bar, start, view, sure, editor.node);

    function paintMarks() {
      for (const one of [...room.marked]) if (!one) room.marked.delete(one);
      marks.hidden = !room.marked.size;
      counted.textContent = `${room.marked.size} marked`;
      all.checked = Boolean(told?.rows.length) && told.rows.every((row) => room.marked.has(row.id));
      rows.repaint();
    }

    // Looking --------------------------------------------------------------------------------------------------------------
    /* A look at the batch, and the next one by itself while something changes and the tab is in front. */
    async function refresh(offset = null) {
      clearTimeout(timer);
      if (!id) return;
      const mine = ++turn;
      const began = performance.now();
      const answer = await server.show_batch({ id, show, offset: offset ?? (told ? rows.wanted() : 0) }).catch(() => null);
      if (mine !== turn) return;
      if (answer?.refusal) return (id = ""), open("");
      if (answer) paint(answer);
      const took = performance.now() - began;
      const busy = told && (told.stage === "going" || told.unread > 0 || told.writing);
      timer = setTimeout(() => (root.offsetParent && document.visibilityState === "visible" ? refresh() : (timer = setTimeout(refresh, 1000))), Math.max(busy ? 700 : 2500, 4 * took));
    }
    function paint(answer) {
      told = answer;
      if (document.activeElement !== name) name.value = answer.name;
      for (const button of filter.children) {
        const key = button.dataset.value;
        button.setAttribute("aria-pressed", String(key === show));
        button.lastChild.textContent = answer.counts[key];
        button.hidden = key !== "all" && key !== show && !answer.counts[key];
      }
      rows.paint(answer, show === "all");
      nothing.hidden = answer.shown > 0;
      nothing.textContent = show === "all" ? "No photos are left in this batch." : "None of them.";
      paintSide(answer);
      paintMarks();
      if (apply.disabled) settings.paint(answer.settings);
      plan.paint(answer.settings.plan);
      files.paint(answer);
      const mark = JSON.stringify([answer.revision, answer.counts, answer.clips.done, answer.unread]);
      if (mark !== weighed) (weighed = mark), weigh();
    }
    function paintSide({ stage, counts, clips: made, unread, mendable, ignored, stopped }) {
      const failed = counts.failed - stopped;
      const words = [
        unread ? `Looking at the photos: ${counts.all - unread} of ${counts.all}` : made.all ? `${made.done} of ${clips(made.all)} done` : photos(counts.all),
        counts.aside && `${counts.aside} set aside`, failed && `${failed} failed`, stopped && `${stopped} stopped`, stage === "paused" && "paused", stage === "stopped" && !stopped && "stopped", ignored && `${ignored} other files left out`,
      ];
      line.textContent = words.filter(Boolean).join(" · ");
      whole.firstChild.style.width = (unread && stage === "new" ? (counts.all - unread) / counts.all : made.all ? made.part / made.all : 0) * 100 + "%";
      go.hidden = !STAGES[stage];
      go.disabled = stage === "new" && !made.all;
      go.firstChild.textContent = stage !== "new" ? STAGES[stage] : made.all ? `Make ${clips(made.all - made.done)}` : unread ? "Looking…" : "Nothing to make yet";
      pause.hidden = stage !== "going";
      stop.hidden = stage !== "going" && stage !== "paused";
      mend.hidden = !mendable;
      mend.lastChild.textContent = mendable === 1 ? "Mend the doubtful one" : `Mend all ${mendable}`;
      retry.hidden = !failed;
      retry.lastChild.textContent = counts.failed === 1 ? "Retry what failed" : `Retry all ${counts.failed}`;
    }
    /* What is left takes: corrected whenever something of it is done. */
    async function weigh() {
      const answer = await server.estimate_batch({ id }).catch(() => null);
      if (!answer || answer.refusal) return;
      const pairs = answer.clips
        ? [["Clips", String(answer.clips)], ["Time", answer.unknown.length && !answer.seconds ? "not known here yet" : `about ${span(answer.seconds)}${answer.measured >= 4 ? "" : " here"}`], ["Disk", `${size(answer.bytes)} of ${size(answer.free)} free`], answer.price ? ["Cost", Stir.priceWords(answer.price)] : null]
        : [];
      takes.replaceChildren(...pairs.filter(Boolean).flatMap(([what, value]) => [h("dt", {}, what), h("dd", {}, value)]));
      if (answer.bytes > answer.free) note.show({ reason: "There is not enough room on the disk for these clips.", remedy: "Make room, or make fewer." });
    }
    const size = (bytes) => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : Stir.bytes(bytes));
    const span = (seconds) => (seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`);

    async function list() {
      const found = (await ask(server.find_batches, { words: "" })) ?? [];
      others.replaceChildren(h("option", { value: "" }, found.length ? `${found.length} ${found.length === 1 ? "batch" : "batches"}` : "No batches yet"), ...found.map((one) => h("option", { value: one.id }, `${one.name}, ${photos(one.count)}`)));
      others.value = id;
      others.hidden = !found.length;
      return found;
    }
    async function open(next) {
      id = next;
      memory.set("batch", id);
      [told, weighed, show] = [null, "", "all"];
      turn += 1;
      clearTimeout(timer);
      note.clear();
      room.marked.clear();
      rows.clear();
      takes.replaceChildren();
      apply.disabled = true;
      (id ? side : start.lastChild).append(note.node);
      start.hidden = Boolean(id);
      view.hidden = name.hidden = forget.hidden = !id;
      fresh.hidden = !id;
      bar.classList.toggle("plain", !id);
      await list();
      if (id) await refresh(0);
    }

    // Changing rows ----------------------------------------------------------------------------------------------------------
    function makeEditor() {
      let ids = [];
      const touched = new Set();
      const touch = (key) => () => touched.add(key);
      const title = h("h2");
      const preset = Stir.menu("Its own motion", [["", "As all the others"], ...given.presets.map(([key, words]) => [key, words])], "", touch("preset"));
      const words = h("textarea", { rows: 3, maxlength: 4000, "aria-label": "Its own words", placeholder: "Added to the batch’s motion: a slow orbit left, the leaves rustle…", oninput: touch("words") });
      const seconds = h("input", { type: "number", min: 1, max: 60, step: 0.5, "aria-label": "Seconds", placeholder: "as all", oninput: touch("seconds") });
      const seed = h("input", { type: "number", min: 0, max: 4294967295, step: 1, "aria-label": "Seed", placeholder: "as all", oninput: touch("seed") });
      const own = Object.fromEntries(["subject", "light", "place"].map((key) => [key, h("input", { type: "search", maxlength: 255, "aria-label": `{${key}}`, oninput: touch(key) })]));
      let crops = [];
      let at = 0; // the shape that is in front
      let shape = 1.5;
      const picture = h("img", { alt: "", draggable: "false", class: "crop-photo" });
      const frame = Stir.cropFrame((rect) => ((crops[at] = { ...crops[at], ...rect }), touched.add("crops")), () => paintCrop());
      const easel = h("div", { class: "batch-easel" }, picture, frame.node);
      const shapes = h("div", { class: "chips", role: "group", "aria-label": "Shapes" });
      const crop = h("div", { class: "field batch-crop" }, h("span", {}, "What is used of it"), shapes, easel);
      function paintCrop() {
        const { ratio, aspect, ...rect } = crops[at];
        shapes.replaceChildren(...crops.map((one, index) => h("button", { type: "button", class: "chip", "aria-pressed": String(index === at), onclick: () => ((at = index), paintCrop()) }, one.aspect === "photo" ? "As the photo" : one.aspect)));
        shapes.hidden = crops.length < 2;
        frame.show(rect, aspect, ratio, shape);
      }
      const scope = Stir.segments("Change", [["these", "These"], ["all", "All photos"]], (value) => ((every = value === "all"), scope.paint(value)));
      let every = false;
      const wrong = Stir.note();
      const field = (label, node) => h("label", { class: "field" }, h("span", {}, label), node);
      const save = Stir.button("Change", { class: "primary", id: "row-save", onclick: () => send() });
      const node = h("dialog", { class: "ask batch-editor", "aria-label": "Change photos" }, h("div", { class: "row between" }, title, h("button", { type: "button", class: "ghost tiny", "aria-label": "Close", onclick: () => node.close() }, icon("close"))),
        h("div", { class: "fold-body" }, field("Motion", preset), field("Words", words), h("div", { class: "fields" }, field("Length, s", seconds), field("Seed", seed)), h("div", { class: "fields" }, Object.entries(own).map(([key, input]) => field(`{${key}}`, input))), crop, scope.node, wrong.node, save));
      async function send() {
        const change = { id, rows: every ? null : ids };
        if (touched.has("preset")) change.preset = preset.value;
        if (touched.has("words")) change.words = words.value;
        if (touched.has("seconds") && seconds.value) change.seconds = Number(seconds.value);
        if (touched.has("seed") && seed.value) change.seed = Number(seed.value);
        for (const [key, input] of Object.entries(own)) if (touched.has(key)) change[key] = input.value;
        if (touched.has("crops") && !every) change.crops = crops.map(({ ratio, ...one }) => one);
        if (Object.keys(change).length > 2 && (await ask(server.change_rows, change, wrong)) === null) return;
        node.close();
        refresh();
      }
      node.addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && (event.preventDefault(), send()));
      return {
        node,
        /* `row` is the one it begins with; null where several are changed at once. */
        open(rows_, row) {
          ids = rows_;
          touched.clear();
          wrong.clear();
          every = false;
          scope.node.firstChild.textContent = row ? "This photo" : ids.length === 1 ? "The marked one" : `The ${ids.length} marked`;
          scope.paint("these");
          title.textContent = row ? row.name : photos(ids.length);
          preset.value = row?.edit.preset ?? "";
          words.value = row?.edit.words ?? "";
          [seconds.value, seed.value] = [row?.edit.seconds ?? "", row?.edit.seed ?? ""];
          for (const [key, input] of Object.entries(own)) input.value = row?.edit[key] ?? "";
          crops = structuredClone(row?.edit.crops ?? []).filter((one) => one.aspect !== "photo" || row.edit.crops.length === 1);
          crop.hidden = !crops.length || !row.edit.view;
          if (!crop.hidden) {
            [at, shape] = [0, row.ratio];
            picture.src = Stir.file(row.edit.view);
            easel.style.setProperty("--shape", shape);
            paintCrop();
          }
          node.showModal();
          words.focus();
        },
      };
    }

    // When they are posted ---------------------------------------------------------------------------------------------------
    function planFold(changed) {
      let days = [0, 2, 4];
      const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
      const soon = new Date(Date.now() + 864e5);
      const local = (date) => `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")}`;
      const chips = h("div", { class: "chips", role: "group", "aria-label": "Days of the week" }, DAYS.map((words, day) => h("button", { type: "button", class: "chip", "aria-pressed": "false", onclick: () => ((days = days.includes(day) ? days.filter((one) => one !== day) : [...days, day].sort()), paintDays()) }, words)));
      const from = h("input", { type: "date", value: local(soon), "aria-label": "From" });
      const time = h("input", { type: "time", value: "18:00", "aria-label": "At" });
      const set = Stir.button("Plan the posts", { class: "solid", id: "plan-set", onclick: () => changed({ days, start: from.value, times: [time.value], zone }) });
      const none = Stir.button("No plan", { class: "ghost", onclick: () => changed(null) });
      const words = h("p", { class: "why" });
      const paintDays = () => ([...chips.children].forEach((one, day) => one.setAttribute("aria-pressed", String(days.includes(day)))), (set.disabled = !days.length));
      paintDays();
      const node = Stir.fold("Posting plan", h("div", { class: "fold-body" }, chips, h("div", { class: "fields" }, h("label", { class: "field" }, h("span", {}, "From"), from), h("label", { class: "field" }, h("span", {}, "At"), time)), h("div", { class: "row" }, set, none), words));
      return {
        node,
        paint(plan) {
          none.hidden = !plan;
          words.textContent = plan ? `One photo on each of ${plan.days.map((day) => DAYS[day]).join(", ")} at ${plan.time}, from ${plan.start} (${plan.zone}). It is written with the files, for a spreadsheet and for a calendar.` : "One photo a day, on the days you choose.";
          if (!plan || node.open) return;
          days = [...plan.days];
          [from.value, time.value] = [plan.start, plan.time];
          paintDays();
        },
      };
    }

    // Its files ----------------------------------------------------------------------------------------------------------------
    function filesFold() {
      const path = h("input", { type: "search", class: "folder-path", placeholder: given.written, "aria-label": "The folder to write to", autocomplete: "off", spellcheck: "false" });
      const where = given.local ? h("label", { class: "field" }, h("span", {}, "In the folder"), path) : null;
      let writing = false;
      const write = Stir.button("Write the files", { class: "solid", id: "batch-write", onclick: () => run(server.write_batch, { id, folder: path.value.trim() }, ({ folder }) => Stir.say(`Written to ${folder}`)) }, "folder");
      const zip = Stir.button("Download as ZIP", { class: "ghost", id: "batch-zip", onclick: () => run(server.zip_batch, { id }, (answer) => Stir.save(Stir.file(answer.path), answer.name)) }, "down");
      const words = h("p", { class: "why batch-folder" });
      const picture = h("img", { alt: "Contact sheet: every photo of the batch with its first clip", loading: "lazy" });
      const sheet = h("a", { class: "batch-contact", target: "_blank", rel: "noopener", hidden: true }, picture);
      const node = Stir.fold("Files", h("div", { class: "fold-body" }, where, h("div", { class: "batch-pair" }, write, zip), words, sheet));
      async function run(call, value, then) {
        writing = write.disabled = zip.disabled = true;
        words.textContent = "Writing…";
        const answer = await ask(call, value);
        writing = false;
        if (answer) then(answer);
        refresh();
      }
      return {
        node,
        paint({ folder, sheet: look, clips: made, writing: far, unwritten }) {
          write.disabled = zip.disabled = writing || Boolean(far) || !made.done;
          if (far) words.textContent = `Writing: photo ${Math.min(far.done + 1, far.total)} of ${far.total}…`;
          if (far || writing) return;
          if (folder) words.textContent = `Written to ${folder}: a folder for each place, a manifest, a contact sheet, and the posting plan if there is one.${unwritten.length ? ` ${unwritten.length === 1 ? "One file" : `${unwritten.length} files`} couldn’t be made: ${unwritten[0]}` : ""}`;
          else words.textContent = made.done ? "A folder for each place, names from the photos’, with a manifest and a contact sheet." : "There is nothing to write yet.";
          sheet.hidden = !look;
          if (look && picture.dataset.look !== look) (picture.src = Stir.file(look)), (sheet.href = Stir.file(look)), (picture.dataset.look = look);
        },
      };
    }

    Stir.dropRooms.push({ inFront: () => inFront() && !start.hidden, words: ["Drop them", "Photos, folders or ZIPs, for one batch."], take: drop.take });
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && inFront() && refresh());
    paintGo();
    open(id);
  };
})();

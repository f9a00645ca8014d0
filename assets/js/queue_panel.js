/* The queue strip and the recent clips. It watches the studio for the whole page and tells the others what it saw. Photos that were
   sent together are one line with one progress, which opens to show each. */
(() => {
  const { h, icon } = Stir;
  const WORDS = { queued: "Waiting", running: "Running", done: "Done", failed: "Failed", cancelled: "Stopped", interrupted: "Interrupted" };
  const ENDED = ["failed", "cancelled", "interrupted"];
  const ACTIVE = ["queued", "running"];
  const STACKED = 3; // posters of a group
  const SILENT = 4; // looks in a row without an answer
  const GONE = { reason: "The studio does not answer.", remedy: "See that it still runs: this page goes on by itself once it does." };
  const WHOLE = { x: 0, y: 0, w: 1, h: 1 };
  const tool = (label, picture, run) => h("button", { type: "button", class: "ghost tiny", "aria-label": label, onclick: run }, icon(picture, 12));
  const length = (one) => Number(one.seconds.toFixed(1)) + " s";
  const part = (job) => (job.state === "done" ? 1 : job.state === "running" && job.total ? job.done / job.total : 0);
  const ELSEWHERE = ", begun elsewhere"; // in another tab, by a program, or from the command line
  const count = (jobs, ...states) => jobs.filter((job) => states.includes(job.state)).length;

  /* A thin bar that only ever moves on: each job and each group has one of its own. */
  function thin() {
    const node = h("i", { class: "job-bar", "aria-hidden": "true" }, h("i"));
    node.to = (share) => (node.firstChild.style.width = share * 100 + "%");
    return node;
  }
  function poster(job) {
    const face = Stir.cropView(job.thumb, { class: "job-poster" });
    face.crop(job.crop, job.ratio);
    return face;
  }

  Stir.parts.queue_panel = ({ element, props, server }) => {
    const root = element.firstElementChild;
    const cards = new Map(); // job id, or the id of a group → card
    const inside = new Map(); // job id → card, of the group that is open
    let dragged = null;
    let opened = ""; // the group that shows each of its jobs
    const list = h("ol", { class: "queue-list" });
    const each = h("ol", { class: "queue-list queue-each", id: "queue-each", hidden: true, "aria-label": "Each of them" });
    const clear = Stir.button("Clear ended", { class: "ghost tiny-text", id: "clear-ended", onclick: () => Stir.ask(server.clear_ended, {}) });
    const queue = h("section", { class: "queue", "aria-label": "Queue", hidden: true }, h("div", { class: "strip-head" }, h("h2", {}, "Queue"), clear), list, each);
    const shelf = h("div", { class: "shelf" });
    const all = Stir.button("Open the library", { class: "ghost tiny-text", onclick: () => Stir.goto("Library") });
    const recent = h("section", { class: "recent", "aria-label": "Recent clips", hidden: true }, h("div", { class: "strip-head" }, h("h2", {}, "Recent"), all), shelf);
    root.append(queue, recent);

    // One job ----------------------------------------------------------------------------------------------------------
    function make(job) {
      const face = poster(job);
      const bar = thin();
      const words = h("span", { class: "job-words" });
      const title = h("strong", {});
      const motion = h("span", { class: "job-motion" });
      const earlier = tool("Earlier", "left", () => shift(job.id, -1));
      const later = tool("Later", "right", () => shift(job.id, 1));
      const again = tool("", "retry", Stir.once(() => Stir.buy(server.retry_job, { id: job.id })));
      const away = tool("", "close", () => Stir.ask(server.cancel_job, { id: job.id }));
      const see = h("button", { type: "button", class: "ghost tiny-text", onclick: () => show(see.dataset.clip) }, "Show");
      const node = h(
        "li", { class: "job", "data-job": job.id }, h("span", { class: "job-face" }, face),
        h("span", { class: "job-text" }, title, motion, words), h("span", { class: "job-tools" }, see, earlier, later, again, away), bar,
      );
      node.addEventListener("dragstart", (event) => {
        dragged = job.id;
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setData("text/plain", job.id);
        node.classList.add("dragged");
      });
      node.addEventListener("dragend", () => ((dragged = null), node.classList.remove("dragged")));
      node.addEventListener("dragover", (event) => dragged && node.draggable && event.preventDefault());
      node.addEventListener("drop", (event) => {
        if (!dragged || dragged === job.id) return;
        event.preventDefault();
        const bounds = node.getBoundingClientRect();
        const after = event.clientX > bounds.left + bounds.width / 2;
        const ids = waiting().filter((id) => id !== dragged);
        Stir.ask(server.move_job, { id: dragged, before: ids[ids.indexOf(job.id) + (after ? 1 : 0)] ?? null });
      });
      return { node, paint: (now) => paintJob(now, { node, face, bar, words, title, motion, see, earlier, later, again, away }) };
    }
    function paintJob(job, { node, face, bar, words, title, motion, see, earlier, later, again, away }) {
      const ended = ENDED.includes(job.state);
      node.dataset.state = job.state;
      node.draggable = job.state === "queued";
      title.textContent = job.title;
      const elsewhere = Stir.isOwn(job) || !ACTIVE.includes(job.state) ? "" : ELSEWHERE;
      node.classList.toggle("theirs", Boolean(elsewhere));
      motion.textContent = `${elsewhere && "Elsewhere · "}${job.motion} · ${length(job)}`;
      node.title = job.reason ? `${job.reason} ${job.remedy ?? ""}` : `${job.title}, ${job.motion}, ${length(job)}${elsewhere}`;
      live(job, face);
      bar.to(part(job));
      bar.hidden = job.state !== "running";
      words.textContent = job.state === "running" ? (job.remaining === null ? (job.hosted ? job.line : job.words) : Stir.clock(Math.ceil(job.remaining)) + " left") : job.state === "failed" ? "Failed: " + job.reason : job.note || WORDS[job.state];
      earlier.hidden = later.hidden = job.state !== "queued";
      see.hidden = job.state !== "done";
      see.dataset.clip = job.clip ?? "";
      see.setAttribute("aria-label", "Show " + job.title);
      again.hidden = !ended;
      again.setAttribute("aria-label", (job.state === "interrupted" ? "Resume " : "Retry ") + job.title);
      away.hidden = job.state === "done" || (ended && job.state !== "interrupted");
      away.setAttribute("aria-label", "Cancel " + job.title + elsewhere);
    }
    /* The picture of what is being made, while there is one; it has the clip's own shape already. */
    function live(job, face) {
      const picture = Stir.picture(job.preview) || (job.state === "running" && face.dataset.live) || "";
      if (picture && face.dataset.live !== picture) (face.image.src = face.dataset.live = picture), face.crop(WHOLE, job.ratio);
      else if (!picture && face.dataset.live) (face.image.src = Stir.file(job.thumb)), face.crop(job.crop, job.ratio), delete face.dataset.live;
    }

    // Several in one line ----------------------------------------------------------------------------------------------
    function makeGroup(id, jobs) {
      const bar = thin();
      const title = h("strong", {});
      const words = h("span", { class: "job-words" });
      const motion = h("span", { class: "job-motion" });
      const open = h("button", { type: "button", class: "ghost tiny group-open", "aria-controls": "queue-each", onclick: () => ((opened = opened === id ? "" : id), paint(Stir.now("board"))) }, icon("chevron", 12));
      const again = tool("Retry what failed", "retry", Stir.once(() => Stir.buy(server.retry_group, { id })));
      const away = tool("", "close", () => Stir.ask(server.cancel_group, { id }));
      const faces = h("span", { class: "job-face stack" }, jobs.slice(0, STACKED).map(poster));
      const node = h("li", { class: "job group", "data-group": id }, faces, h("span", { class: "job-text" }, title, motion, words), h("span", { class: "job-tools" }, again, away, open), bar);
      return { node, paint: (now) => paintGroup(id, now, { node, bar, title, motion, words, open, again, away }) };
    }
    function paintGroup(id, jobs, { node, bar, title, motion, words, open, again, away }) {
      const [done, failed, stopped] = [count(jobs, "done"), count(jobs, "failed", "interrupted"), count(jobs, "cancelled")];
      const active = count(jobs, ...ACTIVE);
      node.dataset.state = active ? (count(jobs, "running") ? "running" : "queued") : failed ? "failed" : "cancelled";
      const compared = jobs[0].comparison;
      const many = `${jobs.length} ${compared ? "clips" : "photos"}`;
      title.textContent = compared || many;
      const elsewhere = active && !jobs.some(Stir.isOwn) ? ELSEWHERE : "";
      motion.textContent = (elsewhere && "Elsewhere · ") + (compared ? `${many} side by side` : `${jobs[0].motion} · ${length(jobs[0])}`);
      words.textContent = [`${done} of ${jobs.length} done`, failed && `${failed} failed`, stopped && `${stopped} stopped`].filter(Boolean).join(" · ");
      node.title = `${title.textContent}, ${motion.textContent}, ${words.textContent}`;
      bar.to(jobs.reduce((sum, job) => sum + part(job), 0) / jobs.length);
      open.setAttribute("aria-expanded", String(opened === id));
      open.setAttribute("aria-label", opened === id ? "Hide each" : `Show each of the ${many}`);
      again.hidden = !failed;
      away.hidden = !active;
      away.setAttribute("aria-label", `Cancel what is left of ${many}${elsewhere}`);
    }

    // Their order ------------------------------------------------------------------------------------------------------
    const waiting = () => Stir.now("board").jobs.filter((job) => job.state === "queued").map((job) => job.id);
    /* Past the next one that is shown: a whole group, where it is one line. */
    function shift(id, by) {
      const jobs = Stir.now("board").jobs.filter((job) => job.state === "queued");
      const own = jobs.find((job) => job.id === id);
      const line = (job) => (job.group && job.group !== own.group ? job.group : job.id);
      const lines = [...new Set(jobs.map(line))];
      const to = lines.indexOf(id) + by;
      if (to < 0 || to >= lines.length) return;
      const before = by > 0 ? lines[to + 1] : lines[to];
      Stir.ask(server.move_job, { id, before: jobs.find((job) => line(job) === before)?.id ?? null });
      Stir.say(by > 0 ? "Moved later." : "Moved earlier.");
    }

    // The whole strip --------------------------------------------------------------------------------------------------
    /* Jobs as lines: [key, job or the jobs of a group]. One that is done leaves, and a group when all of it is. */
    function lines(jobs) {
      const groups = new Map();
      for (const job of jobs) if (job.group) groups.set(job.group, [...(groups.get(job.group) ?? []), job]);
      for (const members of groups.values()) members.sort((one, other) => one.place - other.place);
      const found = new Map();
      for (const job of jobs) {
        const members = groups.get(job.group);
        if (members?.length > 1) {
          if (members.some((one) => one.state !== "done")) found.set(job.group, members);
        } else if (job.state !== "done") found.set(job.id, job);
      }
      return found;
    }
    function lay(node, kept, wanted) {
      for (const [id, card] of kept) if (!wanted.has(id)) card.node.remove(), kept.delete(id);
      let index = 0;
      for (const [id, what] of wanted) {
        if (!kept.has(id)) kept.set(id, Array.isArray(what) ? makeGroup(id, what) : make(what));
        const card = kept.get(id);
        card.paint(what);
        if (node.children[index] !== card.node) node.insertBefore(card.node, node.children[index] ?? null);
        index += 1;
      }
    }
    function paint({ jobs, recent: clips, kept }) {
      const held = queue.contains(document.activeElement) ? document.activeElement : null;
      const shown = lines(jobs);
      if (!shown.has(opened)) opened = "";
      lay(list, cards, shown);
      lay(each, inside, new Map((opened ? shown.get(opened) : []).map((job) => [job.id, job])));
      each.hidden = !opened;
      if (held?.isConnected && held !== document.activeElement) held.focus({ preventScroll: true });
      queue.hidden = !shown.size;
      const over = [...shown.values()].map((one) => [one].flat()).filter((members) => !count(members, ...ACTIVE));
      clear.hidden = !over.some((members) => count(members, "failed", "cancelled"));
      const mark = clips.map((clip) => clip.id + clip.rating + clip.title + clip.thumb).join();
      if (shelf.dataset.mark !== mark) {
        shelf.dataset.mark = mark;
        shelf.replaceChildren(...clips.map((clip) => h("div", { class: "shelf-one", style: { "--shape": clip.width / clip.height } }, Stir.tile(clip, (one) => show(one.id)), h("span", { class: "shelf-words", "aria-hidden": "true", title: clip.title }, `${clip.motion} · ${length(clip)}`))));
      }
      recent.hidden = !clips.length;
      all.querySelector("span").textContent = kept > clips.length ? `All ${kept} in the library` : "Open the library";
      const busy = count(jobs.filter(Stir.isOwn), ...ACTIVE);
      document.title = busy ? `(${busy}) Stir` : "Stir";
    }
    /* Entries that could not be read, told once in this browser. */
    function tellAside(aside) {
      const fresh = aside.filter((one) => one.at > Stir.memory.get("aside", 0));
      if (!fresh.length) return;
      Stir.memory.set("aside", Math.max(...fresh.map((one) => one.at)));
      const one = fresh.length === 1;
      Stir.toast({ reason: one ? `A ${fresh[0].title} could not be read and was set aside.` : `${fresh.length} entries could not be read and were set aside.`, remedy: `Everything else is as it was. ${one ? "It is" : "They are"} kept in the library's database, and come${one ? "s" : ""} back at a start that can read ${one ? "it" : "them"}.` });
    }
    function show(id) {
      Stir.emit("show-clip", id);
      document.getElementById("clip")?.scrollIntoView({ block: "nearest" });
    }
    /* Look at the studio, twice a second, every two behind another tab, whose title tells how many are at work; there, with
       nothing at work, so seldom that a visitor's desk counts as left. A look that fails is made up for by the next. */
    let seen = {}, busy = false, looking = false, timer = 0, unanswered = 0;
    const pause = () => (document.visibilityState === "visible" ? props.value.tick : busy ? 4 * props.value.tick : Math.max(props.value.away, 4 * props.value.tick));
    async function look() {
      if (looking) return;
      looking = true;
      clearTimeout(timer);
      const found = await server.watch(seen).catch(() => null);
      looking = false;
      unanswered = found ? 0 : unanswered + 1;
      Stir.tell("hindrance", found ? found.refusal : unanswered >= SILENT ? GONE : undefined);
      if (found?.board) busy = count(found.board.jobs, ...ACTIVE) > 0;
      timer = setTimeout(look, 1000 * pause());
      if (!found?.board) return;
      seen = found.seen;
      Stir.tell("board", found.board);
      paint(found.board);
      tellAside(found.board.aside);
      if (found.models) Stir.tellModels(found.models);
    }
    look();
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
    Stir.on("refusal", (refusal) => refusal.where === "page" && Stir.toast(refusal));
  };
})();

/* One clock for several players. It owns the time, and every player shows the frame of that time.

   All of them are drawn in one animation frame, and only when each has the frame that belongs to the moment: so what one sees
   together belongs together, whatever the machine can do. The clock never goes further than what all have decoded; a machine that is
   too slow shows them more slowly, or fewer of their frames. */
(() => {
  const NEAR = 1e-4; // of a frame: what rounding makes of its first moment
  const SMOOTH = 0.1; // of the newest pace in what is heard

  /* `paint(clock)` after every change of what is to be seen of it. */
  Stir.compareClock = (paint) => {
    const players = new Set();
    let plan = []; // {seconds, fps} of all that belong to it, whether their players are open or not
    const active = new Set(); // those one sees
    let at = 0;
    let playing = false;
    let speed = 1;
    let loop = true;
    let short = "hold"; // what a clip does that is over before the longest: "hold" its last frame, or "loop"
    let before = 0;
    let timer = 0;
    let settled = Promise.resolve();
    let settling = false;
    let turn = 0;
    let waits = 0; // since when it waits
    let pace = 1; // how much of the speed it has had of late

    const duration = () => Math.max(...plan.map((one) => one.seconds), 0);
    /* Frames a second of the finest of them: what a step is. */
    const rate = () => Math.max(...plan.map((one) => one.fps), 1);
    const count = () => Math.max(1, Math.round(duration() * rate()));
    const frame = () => Stir.clamp(Math.floor(at * rate() + NEAR), 0, count() - 1);
    const own = (player) => (short === "loop" && player.seconds ? at % player.seconds : at);
    /* Whether it holds its last frame. */
    const over = (player) => own(player) >= (player.frames - 1) / player.fps && short === "hold" && player.seconds < duration();
    const hasAll = () => [...active].every((one) => one.has(own(one)));
    const aimAll = () => active.forEach((one) => one.aim(own(one)));
    const showAll = (rate) => active.forEach((one) => one.show(own(one), rate));

    function tick() {
      if (!playing) return;
      timer = requestAnimationFrame(tick);
      const now = performance.now();
      const passed = (now - before) / 1000;
      before = now;
      const ready = hasAll();
      const wish = passed * speed;
      const step = ready ? Math.min(wish, ...[...active].map((one) => (over(one) ? Infinity : Math.max(0, one.reach(own(one)))))) : 0;
      at += step;
      if (at >= duration() - NEAR / rate()) {
        if (!loop) return void end();
        at = Math.max(0, at - duration());
      }
      aimAll();
      pace += SMOOTH * ((wish ? step / wish : 1) - pace);
      if (hasAll()) {
        showAll(speed * pace);
        waits = 0;
      } else waits ||= now;
      paint(clock);
    }
    function end() {
      at = (count() - 0.5) / rate();
      pause();
    }
    /* Every one at exactly this moment, all at once; of several moments that are asked for meanwhile, the last. */
    function settle() {
      turn += 1;
      if (!settling) settled = arrive();
      return settled;
    }
    async function arrive() {
      settling = true;
      for (let mine = -1; mine !== turn && !playing; ) {
        mine = turn;
        aimAll();
        const all = [...active].filter((one) => one.open);
        await Promise.all(all.map((one) => one.arrive(own(one)).catch(() => {})));
        if (!playing) for (const one of all) one.show(own(one), 0);
      }
      settling = false;
      paint(clock);
    }
    function play() {
      if (playing || !duration()) return;
      if (!loop && frame() === count() - 1) at = 0;
      playing = true;
      pace = 1;
      waits = 0;
      before = performance.now();
      timer = requestAnimationFrame(tick);
      paint(clock);
    }
    function pause() {
      playing = false;
      cancelAnimationFrame(timer);
      at = (frame() + 0.5) / rate();
      for (const one of players) one.rest();
      paint(clock);
      return settle();
    }
    /* To a time in seconds; while it plays, it goes on from there. */
    function seek(time) {
      at = Stir.clamp(time, 0, Math.max(0, duration() - 0.001));
      if (!playing && duration()) at = (frame() + 0.5) / rate();
      paint(clock);
      return playing ? settled : settle();
    }
    const clock = {
      play,
      pause,
      seek,
      toggle: () => (playing ? pause() : play()),
      step(by) {
        if (playing) pause();
        return seek((((frame() + by) % count()) + count()) % count() / rate() + 0.5 / rate());
      },
      plan(clips) {
        plan = clips;
        if (playing) at %= duration() || 1;
        else at = duration() ? (frame() + 0.5) / rate() : 0;
        paint(clock);
      },
      add(player) {
        players.add(player);
        player.opened.then(() => ((player.open = true), active.has(player) && !playing && settle()), () => clock.remove(player));
      },
      remove(player) {
        players.delete(player);
        active.delete(player);
      },
      /* Which of them are to be seen; the others rest. */
      see(seen) {
        for (const one of active) if (!seen.has(one)) one.rest(), active.delete(one);
        for (const one of seen) if (players.has(one)) active.add(one);
        if (!playing) settle();
      },
      set(changes) {
        speed = changes.speed ?? speed;
        loop = changes.loop ?? loop;
        short = changes.short ?? short;
        if (!playing) settle();
        paint(clock);
      },
      get at() { return at; },
      get playing() { return playing; },
      /* For how many ms it has been waiting for somebody. */
      get waiting() { return playing && waits ? performance.now() - waits : 0; },
      get duration() { return duration(); },
      get rate() { return rate(); },
      get frame() { return frame(); },
      get frames() { return count(); },
      get settled() { return settled; },
    };
    return clock;
  };
})();

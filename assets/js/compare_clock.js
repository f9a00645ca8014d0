/* One clock for several players. It owns the time; every player follows it.

   While it plays, each player is kept at the clock's time by small changes of its rate, and where that would take too long by a
   seek. The clock waits whenever one of them is not there yet: it slows down, and stops where it must, so that they stay in step on
   a machine that can't keep up, and where one is put back to its beginning. Paused, each is put at the middle of the frame of that
   moment, and what it shows is looked at: a seek to k/fps may show frame k-1. */
(() => {
  const LATE = 1; // frames a player may be behind before the clock waits
  const JUMP = 0.3; // seconds of error that are no error of the clock
  const NEAR = 1e-4; // of a frame: what rounding makes of its first moment

  /* `paint(clock)` after every change of what is to be seen of it. */
  Stir.compareClock = (paint) => {
    const players = new Set();
    let plan = []; // {seconds, fps} of all that belong to it, whether their players are open or not
    const active = new Set(); // those one sees
    let at = 0;
    let playing = false;
    let pace = 0; // of the speed, 0..1
    let speed = 1;
    let loop = true;
    let short = "hold"; // what a clip does that is over before the longest: "hold" its last frame, or "loop"
    let before = 0;
    let timer = 0;
    let settled = Promise.resolve();
    let turn = 0;
    let screen = 1 / 60; // seconds between two pictures of the screen, as they come
    let waits = 0; // since when it waits

    const duration = () => Math.max(...plan.map((one) => one.seconds), 0);
    /* Frames a second of the finest of them: what a step is. */
    const rate = () => Math.max(...plan.map((one) => one.fps), 1);
    const count = () => Math.max(1, Math.round(duration() * rate()));
    const frame = () => Stir.clamp(Math.floor(at * rate() + NEAR), 0, count() - 1);
    const own = (player) => (short === "loop" && player.seconds ? at % player.seconds : at);
    /* Whether it holds its last frame. */
    const over = (player) => own(player) >= (player.frames - 0.5) / player.fps;

    function tick() {
      if (!playing) return;
      timer = requestAnimationFrame(tick);
      const now = performance.now();
      const passed = Math.min((now - before) / 1000, 1);
      before = now;
      screen += 0.1 * (Stir.clamp(passed, 0.008, 0.1) - screen);
      at += passed * speed * pace;
      if (at >= duration()) {
        if (!loop) return void end();
        at %= duration();
        pace = 0;
      }
      at += common();
      const late = Math.max(...[...active].map(behind), 0);
      pace = Math.round(Stir.clamp(2 - late, 0, 1) * 4) / 4;
      waits = pace === 1 ? 0 : waits || now;
      for (const one of active) one.follow(own(one), speed * pace, speed);
      paint(clock);
    }
    /* What all who play are ahead by, in seconds: then it is the clock that is behind. */
    function common() {
      if (pace < 1) return 0;
      const errors = [...active].filter((one) => one.moving && one.ready() && !over(one)).map((one) => one.error(own(one)));
      const middle = errors.sort((one, other) => one - other)[errors.length >> 1] ?? 0;
      return Math.abs(middle) < JUMP ? Math.max(middle / 2, -at) : 0;
    }
    /* How many frames a player is behind beyond what the screen explains; without end where it can't play on yet. */
    function behind(player) {
      if (!player.moving || over(player)) return 0;
      if (!player.ready()) return Infinity;
      const time = own(player);
      return Math.max(-player.error(time) * player.fps - 0.25, player.lag(time) - screen * speed * pace * player.fps) + 1 - LATE;
    }
    function end() {
      at = (count() - 0.5) / rate();
      pause();
    }
    /* Every one at exactly this moment. */
    function settle() {
      const mine = ++turn;
      settled = Promise.all([...active].map((one) => one.show(own(one)).catch(() => {}))).then(() => mine === turn && paint(clock));
      return settled;
    }
    function play() {
      if (playing || !duration()) return;
      if (!loop && frame() === count() - 1) at = 0;
      playing = true;
      pace = waits = 0;
      before = performance.now();
      turn += 1;
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
      if (playing) pace = 0;
      else at = (frame() + 0.5) / rate();
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
        else at = (frame() + 0.5) / rate();
        paint(clock);
      },
      add(player) {
        players.add(player);
        player.opened.then(() => active.has(player) && !playing && settle(), () => clock.remove(player));
      },
      remove(player) {
        players.delete(player);
        active.delete(player);
      },
      /* Which of them are to be seen; the others rest. */
      see(seen) {
        for (const one of active) if (!seen.has(one)) one.rest(), active.delete(one);
        for (const one of seen) if (players.has(one)) active.add(one);
        if (playing) pace = 0;
        else settle();
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

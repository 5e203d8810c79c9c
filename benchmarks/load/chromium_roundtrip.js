// Runs in the page: sends numbered pictures through the page's own WhipSession and reads their numbers in what comes back.
// The pictures are those of tests/marked_video.py: two rows of blocks, the bits of the number and their complement, on grey.
async ({ seconds, warmUpS }) => {
  const BITS = 16, BLOCK = 32, WIDTH = 640, HEIGHT = 480, FPS = 30;
  const { WhipSession } = await import("/static/js/whip.js");
  const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
  const context = canvas.getContext("2d", { alpha: false });
  const sentAt = new Map();

  const draw = (number) => {
    const shade = context.createLinearGradient(0, 0, WIDTH, HEIGHT);
    shade.addColorStop(0, "#5a5a5a");
    shade.addColorStop(0.5 + 0.4 * Math.sin(number / 20), "#a0a0a0");
    shade.addColorStop(1, "#6a6a6a");
    context.fillStyle = shade;
    context.fillRect(0, 0, WIDTH, HEIGHT);
    for (let bit = 0; bit < BITS; bit += 1) {
      const set = (number >> bit) & 1;
      context.fillStyle = set ? "#fff" : "#000";
      context.fillRect(bit * BLOCK, 0, BLOCK, BLOCK);
      context.fillStyle = set ? "#000" : "#fff";
      context.fillRect(bit * BLOCK, BLOCK, BLOCK, BLOCK);
    }
  };

  /** The number in the luma plane of a frame, which comes first in both I420 and NV12; null where it cannot be read. */
  const read = async (frame) => {
    const pixels = new Uint8Array(frame.allocationSize());
    const [{ offset, stride }] = await frame.copyTo(pixels);
    let number = 0;
    for (let bit = 0; bit < BITS; bit += 1) {
      const at = offset + bit * BLOCK + BLOCK / 2;
      const difference = pixels[at + (BLOCK / 2) * stride] - pixels[at + (BLOCK + BLOCK / 2) * stride];
      if (Math.abs(difference) < 80) return null;
      if (difference > 0) number |= 1 << bit;
    }
    return number;
  };

  const stream = canvas.captureStream(0);
  const [camera] = stream.getVideoTracks();
  let number = 0;
  const startedAt = performance.now();
  const timer = setInterval(() => {
    // A timer is late now and then: the next picture is due by the clock.
    if (performance.now() - startedAt < (number * 1000) / FPS) return;
    draw(number);
    sentAt.set(number, performance.now());
    camera.requestFrame();
    number += 1;
  }, 4);

  const session = new WhipSession({ iceServers: [], onmessage: () => {}, onid: () => {}, onend: () => {} });
  const signal = AbortSignal.timeout(1000 * (seconds + 30));
  const returned = await session.connect(stream, { query: new URLSearchParams({ return: "annotated" }), signal });
  const countsFrom = performance.now() + 1000 * warmUpS;
  const endsAt = countsFrom + 1000 * seconds;
  const roundTripsMs = [], sizes = new Set();
  let longestGapMs = 0, lastAt = 0, unreadable = 0, inspected = 0;
  const reader = new MediaStreamTrackProcessor({ track: returned.getVideoTracks()[0] }).readable.getReader();
  while (performance.now() < endsAt) {
    const { value: frame, done } = await reader.read();
    if (done) break;
    const now = performance.now();
    const seen = await read(frame);
    if (now >= countsFrom) {
      sizes.add(`${frame.displayWidth}x${frame.displayHeight}`);
      inspected += 1;
      if (seen === null || !sentAt.has(seen)) unreadable += 1;
      else roundTripsMs.push(now - sentAt.get(seen));
      if (lastAt) longestGapMs = Math.max(longestGapMs, now - lastAt);
      lastAt = now;
    }
    frame.close();
  }
  clearInterval(timer);
  const sender = [...(await session.stats()).values()].find((report) => report.type === "outbound-rtp" && report.kind === "video");
  await session.close();
  return { roundTripsMs, longestGapMs, returned: inspected, unreadable, sizes: [...sizes], sentSize: `${sender?.frameWidth}x${sender?.frameHeight}` };
}

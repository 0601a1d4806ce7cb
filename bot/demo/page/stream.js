// The event stream, with reconnection: doubling pauses, a little random so that tabs do not come back in step.

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

// Calls onOpen after each (re)connection, onEvent for each event, onLink with "live", "connecting" or "lost".
export function connect({ onOpen, onEvent, onLink }) {
  let pause = FIRST_PAUSE_MS;
  let source;
  let timer;

  function open() {
    clearTimeout(timer);
    source?.close();
    source = new EventSource("/demo/events");
    source.onopen = () => {
      pause = FIRST_PAUSE_MS;
      onLink("live");
      onOpen();
    };
    source.onmessage = (event) => onEvent(JSON.parse(event.data));
    source.onerror = () => {
      source.close();
      onLink("lost");
      timer = setTimeout(open, pause * (0.8 + Math.random() * 0.4));
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    };
  }

  // A machine that slept, or a network that changed: do not sit out the pause.
  addEventListener("online", open);
  addEventListener("pageshow", (event) => event.persisted && open());
  addEventListener("pagehide", () => source?.close());

  onLink("connecting");
  open();
}

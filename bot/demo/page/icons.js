// Line icons on a 24 grid, as paths; built as DOM nodes, so that the strict content policy holds.

const PATHS = {
  sun: ["M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8Z", "M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4"],
  moon: ["M20 14.2A8.2 8.2 0 0 1 9.8 4a8.2 8.2 0 1 0 10.2 10.2Z"],
  plus: ["M12 5v14M5 12h14"],
  send: ["M4.5 12 4 4.8a.6.6 0 0 1 .87-.57l15.1 7.24a.6.6 0 0 1 0 1.08L4.87 19.78A.6.6 0 0 1 4 19.2L4.5 12Zm0 0h7"],
  down: ["M12 5v14M6 13l6 6 6-6"],
  copy: ["M9 9h9a1.5 1.5 0 0 1 1.5 1.5v8A1.5 1.5 0 0 1 18 20H9a1.5 1.5 0 0 1-1.5-1.5v-8A1.5 1.5 0 0 1 9 9Z", "M16.5 9V5.5A1.5 1.5 0 0 0 15 4H6a1.5 1.5 0 0 0-1.5 1.5v8A1.5 1.5 0 0 0 6 15h1.5"],
  check: ["M5 12.5 10 17.5 19.5 7"],
  link: ["M8 16 17 7M9.5 7H17v7.5"],
  chat: ["M12 4c4.7 0 8.5 3.2 8.5 7.2s-3.8 7.2-8.5 7.2c-1 0-2-.14-2.9-.4L4.5 20l1.3-3.6C4.4 15.1 3.5 13.3 3.5 11.2 3.5 7.2 7.3 4 12 4Z"],
  phone: ["M8.5 2.5h7A2 2 0 0 1 17.5 4.5v15a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2v-15a2 2 0 0 1 2-2Z", "M10.8 18.5h2.4"],
  clock: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17Z", "M12 7.5V12l3 2"],
  block: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17Z", "M6 6l12 12"],
  file: ["M7 3.5h7l4.5 4.5v12a.5.5 0 0 1-.5.5H7A1.5 1.5 0 0 1 5.5 19V5A1.5 1.5 0 0 1 7 3.5Z", "M13.5 3.5V8.5h5"],
  alert: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17Z", "M12 8v4.8M12 15.9v.2"],
  chevron: ["M7 10l5 5 5-5"],
  close: ["M6 6l12 12M18 6 6 18"],
  pencil: ["M4.5 19.5l.9-4L16 4.9a1.5 1.5 0 0 1 2.1 0l1 1a1.5 1.5 0 0 1 0 2.1L8.5 18.6l-4 .9Z"],
};

const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  for (const d of PATHS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

// The brand's mark: a pigeon on the colours of a pigeon's neck.
export function mark() {
  const image = document.createElement("img");
  image.src = "/demo/page/mark.svg";
  image.alt = "";
  image.className = "mark";
  return image;
}

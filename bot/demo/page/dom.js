// Building and updating nodes. Text only ever becomes text nodes.

export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "vars") for (const [key, v] of Object.entries(value)) node.style.setProperty(key, v);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

// Make `parent` hold exactly `nodes`, in order, touching only what differs: focus and scroll stay where they are.
export function arrange(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.childNodes]) if (!wanted.has(child)) child.remove();
  let here = parent.firstChild;
  for (const node of nodes) {
    if (node === here) here = here.nextSibling;
    else parent.insertBefore(node, here);
  }
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Arrow keys, Home and End move among the buttons that `list()` gives; one of them is in the Tab order.
export function roving(container, list, axis = "both") {
  container.addEventListener("keydown", (event) => {
    const step = {
      ArrowDown: axis !== "x" && 1,
      ArrowRight: axis !== "y" && 1,
      ArrowUp: axis !== "x" && -1,
      ArrowLeft: axis !== "y" && -1,
    }[event.key];
    const items = list();
    const at = items.indexOf(event.target);
    if (at < 0) return;
    let next;
    if (event.key === "Home") next = items[0];
    else if (event.key === "End") next = items.at(-1);
    else if (step) next = items[(at + step + items.length) % items.length];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}

// Loaded before the first paint, so that a chosen theme does not flash the other one.
try {
  const theme = localStorage.getItem("codepigeon.theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // Storage can be switched off; the system's theme then stands.
}

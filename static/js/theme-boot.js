// @ts-check
// Sets the theme before the first paint. A classic blocking script: the content security policy allows no inline one.
{
  let theme = null;
  try {
    theme = localStorage.getItem("sightline.theme");
  } catch {
    /* storage may be forbidden; the system's theme applies */
  }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
}

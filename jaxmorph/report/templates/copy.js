// Buttons that copy the file below them, where the browser lets a page do so.
for (const button of document.querySelectorAll("[data-copy]")) {
  const file = document.getElementById(button.dataset.copy);
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(file.textContent);
    button.textContent = "copied";
  });
}

// Copies a command to the clipboard, or selects it where the browser does not let pages do that.
lsm.page("model", (main) => {
  "use strict";
  for (const button of main.querySelectorAll("[data-copy]")) {
    const command = document.getElementById(button.dataset.copy);
    const say = (text) => {
      button.textContent = text;
      setTimeout(() => { button.textContent = lsm.t("Copy"); }, 2000);
    };
    const select = () => {
      const range = document.createRange();
      range.selectNodeContents(command);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      say(lsm.t("Selected: copy it"));
    };
    button.hidden = false;
    button.addEventListener("click", () => {
      if (!navigator.clipboard) select();
      else navigator.clipboard.writeText(command.textContent).then(() => say(lsm.t("Copied")), select);
    });
  }
});

// Runs before anything is drawn, so that a chosen colour scheme does not flash.
try {
  const theme = localStorage.getItem("beck.theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch { /* storage may be switched off: then it is as the system has it */ }

/** The response to a wrong token leads back here. */
const failed = document.getElementById('failed');
if (failed && new URLSearchParams(location.search).has('failed')) failed.hidden = false;

const MODEL = /*model*/;
// From here on nothing is asked of anyone: the module is in this page.
const module = WebAssembly.instantiate(Uint8Array.from(atob(MODEL.wasm), (c) => c.charCodeAt(0)));

async function ask() {
  const mine = ++asked;
  document.body.setAttribute("aria-busy", "true");
  try {
    const code = (await module).instance.exports;
    const grey = pixels(MODEL.side);
    if (!grey || mine !== asked) return;
    show(grey, MODEL.side);
    const began = performance.now();
    new Uint8Array(code.memory.buffer, code.page_image(), grey.length).set(grey);
    const Scores = MODEL.isFloat ? Float32Array : Int32Array;
    const scores = [...new Scores(code.memory.buffer, code.page_scores(), MODEL.classes)];
    const microseconds = 1000 * (performance.now() - began);
    present(softmax(scores.map((score) => score * MODEL.step)), `${Math.round(microseconds)} µs, no server`);
  } catch (error) {
    if (mine === asked) fail(`WebAssembly doesn't run here: ${error.message}`);
  } finally {
    if (mine === asked) document.body.setAttribute("aria-busy", "false");
  }
}

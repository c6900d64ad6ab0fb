function nested(values, sizes) {
  for (const size of sizes.slice(1).reverse())
    values = Array.from({length: values.length / size}, (_, n) => values.slice(n * size, (n + 1) * size));
  return values;
}

// Some models answer probabilities, others logits.
function shares(scores) {
  const total = scores.reduce((a, b) => a + b, 0);
  return Math.abs(total - 1) < 0.01 && Math.min(...scores) >= 0 ? scores : softmax(scores);
}

async function send(path, body) {
  const given = body && {method: "POST", body: JSON.stringify(body), headers: {"Content-Type": "application/json"}};
  const answer = await fetch(path, given);
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error || `The server answers ${answer.status}.`);
  return content;
}

async function ask() {
  const mine = ++asked;
  const model = `/v1/models/${encodeURIComponent(by("model").value)}`;
  document.body.setAttribute("aria-busy", "true");
  try {
    const known = await send(`${model}/metadata`);
    const version = known.model_spec.version;
    const inputs = known.metadata.signature_def.signature_def.serving_default.inputs;
    const sizes = Object.values(inputs)[0].tensor_shape.dim.map((dim) => Number(dim.size)).slice(1);
    const side = Math.sqrt(sizes.reduce((a, b) => a * b, 1));
    if (Object.keys(inputs).length !== 1 || side < 2 || !Number.isInteger(side))
      throw new Error(`This model takes inputs of shape [${sizes}], not one square image in grey.`);
    const grey = pixels(side);
    if (!grey) return;
    show(grey, side);
    const began = performance.now();
    const body = {instances: [nested(grey.map((value) => value / WHITE), sizes)]};
    const answer = await send(`${model}/versions/${version}:predict`, body);
    const milliseconds = performance.now() - began;
    const given = answer.predictions[0];
    const scores = Array.isArray(given) ? given : Object.values(given)[0];
    if (mine === asked) present(shares(scores), `version ${version}, ${Math.round(milliseconds)} ms`);
  } catch (error) {
    const isGone = error instanceof TypeError;
    if (mine === asked) fail(isGone ? "The server doesn't answer. Is it running?" : error.message);
  } finally {
    if (mine === asked) document.body.setAttribute("aria-busy", "false");
  }
}

by("model").addEventListener("change", ask);
by("which").hidden = by("model").options.length < 2;

// An extension of JupyterLab's pages, as they load it: a container of Webpack's module federation.
// It shares no modules with JupyterLab, so it is written by hand and needs no build.
//
// 1. ipywidgets gives the handles of its sliders no name, and where a slider has steps of its own,
//    their index instead of their value. Screen readers get the label, and the readout with its unit.
// 2. JupyterLab takes the arrow keys of lists and choices for its own, and a letter typed there may
//    delete a cell. Widgets keep their keys; Shift+Enter runs the cell, Escape leads back to it.
// 3. A button that is disabled by being pressed loses the focus. It goes to the button's cell.
// 4. The list of lessons is read anew whenever it comes into sight, so that its progress is of now.
//
// Lessons work without it, as in other editors.

(() => {
  "use strict";

  const NAME = "deployworkbook";
  const LESSON_LIST = "lessons.md";
  const SLIDER = ".widget-slider";
  const CHOICES = ".widget-radio-box";
  const WIDGETS = ".jupyter-widgets";
  const CELL = ".jp-Cell";
  // JupyterLab ignores keys that are pressed within an element with this attribute.
  const KEEP_KEYS = "data-lm-suppress-shortcuts";
  // A label ends with its unit in parentheses: "batch size (images)".
  const UNIT = /\(([^()]+)\)$/;
  // A link that is being clicked isn't replaced meanwhile.
  const REFRESH_AFTER_MS = 300;

  const setAttribute = (element, name, value) => {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  };

  const nameSlider = (slider) => {
    const label = slider.querySelector(".widget-label")?.textContent.trim();
    const handles = slider.querySelectorAll(".noUi-handle");
    const readout = slider.querySelector(".widget-readout");
    if (!label || !handles.length) return;
    const isDisabled = slider.querySelector(".noUi-target").hasAttribute("disabled");
    for (const handle of handles) {
      setAttribute(handle, "aria-label", label);
      setAttribute(handle, "aria-disabled", String(isDisabled));
    }
    if (!readout) return;
    if (handles.length === 1) {
      const unit = label.match(UNIT)?.[1];
      const value = readout.textContent.trim();
      setAttribute(handles[0], "aria-valuetext", unit ? `${value} ${unit}` : value);
    }
    // It takes typed values.
    setAttribute(readout, "role", "textbox");
    setAttribute(readout, "aria-label", label);
    setAttribute(readout, "aria-disabled", String(isDisabled));
  };

  let groups = 0;

  // Choices of one name are one stop of the Tab key, and arrow keys choose among them.
  const joinChoices = (box) => {
    const choices = [...box.querySelectorAll("input[type=radio]")];
    if (choices.every((each) => each.name)) return;
    groups += 1;
    choices.forEach((each) => (each.name = `${NAME}-${groups}`));
  };

  const focusCell = (element) => element.closest(CELL)?.focus();

  let lastFocused = null;

  const onChanges = (changes) => {
    const sliders = new Set();
    for (const { target, type, addedNodes } of changes) {
      if (type === "attributes" && target === lastFocused && target.disabled) focusCell(target);
      const slider = target.closest(SLIDER);
      if (slider) sliders.add(slider);
      target.closest(CHOICES) && joinChoices(target.closest(CHOICES));
      for (const node of addedNodes) {
        if (node.nodeType !== Node.ELEMENT_NODE) continue;
        if (node.matches(SLIDER)) sliders.add(node);
        node.querySelectorAll(SLIDER).forEach((each) => sliders.add(each));
        node.querySelectorAll(CHOICES).forEach(joinChoices);
      }
    }
    sliders.forEach(nameSlider);
  };

  const watchWidgets = () => {
    new MutationObserver(onChanges).observe(document.body, {
      subtree: true,
      childList: true,
      attributes: true,
      attributeFilter: ["aria-valuetext", "disabled"],
    });
    document.addEventListener("focusin", ({ target }) => (lastFocused = target));
  };

  const onKey = ({ target, key, altKey, ctrlKey, metaKey, shiftKey }) => {
    if (!(target instanceof Element) || !target.closest(WIDGETS)) return;
    const isCommand = altKey || ctrlKey || metaKey || (shiftKey && key === "Enter");
    // Decided anew at each key, so that it needn't be taken away in between.
    target.toggleAttribute(KEEP_KEYS, !isCommand && key !== "Escape");
    if (key === "Escape") focusCell(target);
  };

  const refreshLessons = (widget) => {
    const context = widget?.context;
    if (context?.path !== LESSON_LIST || !context.isReady || context.model.dirty) return;
    setTimeout(() => {
      if (!widget.isDisposed && !context.model.dirty) context.revert();
    }, REFRESH_AFTER_MS);
  };

  const plugin = {
    id: `${NAME}:comfort`,
    description: "Widgets for keyboard and screen reader, and a list of lessons that is up to date.",
    autoStart: true,
    activate: (app) => {
      watchWidgets();
      // Before JupyterLab, which listens to the document.
      window.addEventListener("keydown", onKey, true);
      app.shell.currentChanged?.connect((_, { newValue }) => refreshLessons(newValue));
    },
  };

  const container = {
    init: () => {},
    get: async () => () => ({ __esModule: true, default: plugin }),
  };
  (window._JUPYTERLAB ??= {})[NAME] = container;
})();

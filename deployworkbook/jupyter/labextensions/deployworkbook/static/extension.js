// An extension of JupyterLab's pages, as they load it: a container of Webpack's module federation.
// It shares no modules with JupyterLab, so it is written by hand and needs no build.
//
// 1. ipywidgets gives the handles of its sliders no name, and where a slider has steps of its own,
//    their index instead of their value. Screen readers get the label, and the readout with its unit.
// 2. The list of lessons is read anew whenever it comes into sight, so that its progress is of now.
//
// Lessons work without it, as in other editors.

(() => {
  "use strict";

  const NAME = "deployworkbook";
  const LESSON_LIST = "lessons.md";
  const SLIDER = ".widget-slider";
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

  const watchSliders = () => {
    const sliders = document.getElementsByClassName("noUi-handle");
    const onChanges = (changes) => {
      if (!sliders.length) return;
      const changed = new Set();
      for (const { target, addedNodes } of changes) {
        const slider = target.closest(SLIDER);
        if (slider) {
          changed.add(slider);
          continue;
        }
        for (const node of addedNodes) {
          if (node.nodeType !== Node.ELEMENT_NODE) continue;
          if (node.matches(SLIDER)) changed.add(node);
          node.querySelectorAll(SLIDER).forEach((each) => changed.add(each));
        }
      }
      changed.forEach(nameSlider);
    };
    new MutationObserver(onChanges).observe(document.body, {
      subtree: true,
      childList: true,
      attributes: true,
      attributeFilter: ["aria-valuetext", "disabled"],
    });
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
    description: "Names for sliders, and a list of lessons that is up to date.",
    autoStart: true,
    activate: (app) => {
      watchSliders();
      app.shell.currentChanged?.connect((_, { newValue }) => refreshLessons(newValue));
    },
  };

  const container = {
    init: () => {},
    get: async () => () => ({ __esModule: true, default: plugin }),
  };
  (window._JUPYTERLAB ??= {})[NAME] = container;
})();

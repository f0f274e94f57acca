/** Choices of the reader that outlast the page: colours, the scale. */

/**
 * A choice among `values`, kept under `name`; the first holds until another is chosen.
 *
 * @returns {{values: string[], value: string, choose: function}} `choose(value)` keeps it and tells `onChange`.
 */
export function choice(name, values, onChange) {
  const key = `fjord.${name}`;
  const made = {
    values,
    value: values.find((value) => value === read(key)) ?? values[0],
    choose(value) {
      made.value = value;
      keep(key, value);
      onChange(value);
    },
  };
  return made;
}

function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // Storage may be forbidden; the first value then holds.
  }
}

function keep(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // The choice then lasts as long as the page.
  }
}

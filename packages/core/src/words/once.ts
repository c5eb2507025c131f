// Keeps the answer to a question about a value that never changes, for as long as the value is there.

/**
 * Asks once about each value and answers the same from then on. Only for pure questions about
 * values that nobody changes in place; what is forgotten with the value costs nothing.
 */
export const oncePer = <A extends object, B>(ask: (value: A) => B): ((value: A) => B) => {
  const answers = new WeakMap<A, { readonly answer: B }>();
  return (value) => {
    const known = answers.get(value);
    if (known !== undefined) return known.answer;
    const answer = ask(value);
    answers.set(value, { answer });
    return answer;
  };
};

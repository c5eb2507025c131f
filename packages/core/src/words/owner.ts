// Decides what an owner may be called: its name is a mark on machines, and is told in commands to copy.

/** The longest mark that every provider can carry, in characters. */
export const longestOwner = 256;

/** What is wrong with an owner's name, or nothing. An empty one would launch what nobody owns. */
export const ownerFault = (owner: string): string | undefined => {
  if (owner.trim() === "") return "the owner is empty";
  if (owner !== owner.trim()) return "the owner begins or ends with a space";
  if (owner.length > longestOwner) return `the owner has more than ${longestOwner} characters`;
  return /\p{Cc}/u.test(owner) ? "the owner holds a control character" : undefined;
};

// JSON laid out to be read. The text is cut into its tokens and these are kept as they
// are: to parse and print it again would change large numbers, and drop repeated names.

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
const MOST = 20_000; // tokens: more would make the page slow

/** Whether a text is JSON: an object or an array, as numbers alone gain nothing. */
export function isJSON(text) {
  if (!/^\s*[{[]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Returns the pieces of a JSON text laid out on lines, as {kind, text}: kind is key,
 * string, number, word, or "" for punctuation and white space. null if it is too long.
 */
export function layout(json) {
  const tokens = json.match(TOKEN) ?? [];
  if (tokens.length > MOST) return null;
  const out = [];
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  tokens.forEach((token, i) => {
    const next = tokens[i + 1];
    switch (token) {
      case "{": case "[":
        if (next === "}" || next === "]") out.push(plain(token));
        else {
          depth++;
          out.push(plain(token + line()));
        }
        break;
      case "}": case "]":
        if (tokens[i - 1] === "{" || tokens[i - 1] === "[") out.push(plain(token));
        else {
          depth--;
          out.push(plain(line() + token));
        }
        break;
      case ",": out.push(plain(`,${line()}`)); break;
      case ":": out.push(plain(": ")); break;
      default: out.push({ kind: kind(token, next), text: token });
    }
  });
  return out;
}

function plain(text) {
  return { kind: "", text };
}

function kind(token, next) {
  if (token[0] === '"') return next === ":" ? "key" : "string";
  return /^[-0-9]/.test(token) ? "number" : "word";
}

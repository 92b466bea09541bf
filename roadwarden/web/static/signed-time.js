// The server's time with its signature (a C2SP signed note, Ed25519), checked where the browser can.

const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

export async function verifiedTime() {
  const nonce = Array.from(crypto.getRandomValues(new Uint8Array(12)), (n) => n.toString(16).padStart(2, "0")).join("");
  const response = await fetch(`/api/v1/time?nonce=${nonce}`).catch(() => null);
  if (!response?.ok) return null;
  const told = await response.json();
  const [text, signature] = told.note.split("\n\n");
  const [, said, at] = text.split("\n");
  const fresh = said === nonce && at === told.now;
  return { now: told.now, key: told.key, verified: fresh && (await holds(`${text}\n`, signature, told.key)) };
}

async function holds(text, line, key) {
  try {
    const encoded = key.split("+").slice(2).join("+"); // NAME+HASH+BASE64, and base64 may hold a plus
    const publicKey = await crypto.subtle.importKey("raw", bytes(encoded).slice(1), "Ed25519", false, ["verify"]);
    const signature = bytes(line.trim().split(" ").pop()).slice(4);
    return await crypto.subtle.verify("Ed25519", publicKey, signature, new TextEncoder().encode(text));
  } catch {
    return false;
  }
}

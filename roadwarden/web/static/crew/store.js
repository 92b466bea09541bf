// What the crew owes the server: kept on the phone until it is answered. One entry is one command with its own key.

const opened = new Promise((resolve, reject) => {
  const request = indexedDB.open("roadwarden-crew", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("owed", { keyPath: "number", autoIncrement: true });
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

async function within(mode, act) {
  const base = await opened;
  return new Promise((resolve, reject) => {
    const transaction = base.transaction("owed", mode);
    const request = act(transaction.objectStore("owed"));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

export const owed = () => within("readonly", (store) => store.getAll());
export const keep = (entry) => within("readwrite", (store) => store.put(entry));
export const forget = (number) => within("readwrite", (store) => store.delete(number));

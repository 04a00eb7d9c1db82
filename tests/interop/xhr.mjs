// XMLHttpRequest over fetch: as much as a client needs that reads text while it comes, which those on
// npm give only at its end.
export class XMLHttpRequest {
  readyState = 0;
  status = 0;
  statusText = '';
  responseType = '';
  responseText = '';
  onreadystatechange = null;
  #url = '';
  #init = { headers: {} };
  #abort = new AbortController();
  #headers = new Headers();

  get response() {
    return this.responseText;
  }

  open(method, url) {
    this.#url = url;
    this.#init.method = method;
    this.#become(1);
  }

  setRequestHeader(name, value) {
    this.#init.headers[name] = value;
  }

  getResponseHeader(name) {
    return this.#headers.get(name);
  }

  getAllResponseHeaders() {
    return [...this.#headers].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  }

  abort() {
    this.onreadystatechange = null;
    this.#abort.abort();
  }

  async send(body) {
    try {
      const response = await fetch(this.#url, { ...this.#init, body, signal: this.#abort.signal });
      this.status = response.status;
      this.statusText = response.statusText;
      this.#headers = response.headers;
      this.#become(2);
      for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
        this.responseText += text;
        this.#become(3);
      }
    } catch {
      this.status = 0;
    }
    this.#become(4);
  }

  #become(state) {
    this.readyState = state;
    this.onreadystatechange?.();
  }
}

/// The API for people: a page that draws /openapi.json, and needs nothing from elsewhere.
enum DocumentationPage {
  static let html = #"""
    <!doctype html>
    <html lang="en">
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>RTX trading server: API</title>
    <style>
      :root { color-scheme: light dark; --line: #8884; }
      body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
      details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: .4rem .8rem; }
      summary { cursor: pointer; }
      code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
      pre { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; padding: .6rem; }
      .method { display: inline-block; min-width: 4.5em; font-weight: 600; }
      td, th { text-align: left; vertical-align: top; padding: .15rem .8rem .15rem 0; }
    </style>
    <h1>RTX trading server</h1>
    <p id="about"></p>
    <div id="operations">Loading…</div>
    <h2>Shapes</h2>
    <div id="shapes"></div>
    <script>
      const element = (name, text, ...children) => {
        const node = document.createElement(name);
        if (text) node.textContent = text;
        node.append(...children);
        return node;
      };
      const shape = (schema) => {
        if (!schema) return element("span", "no body");
        if (schema.$ref) {
          const name = schema.$ref.split("/").pop();
          const link = element("a", name);
          link.href = "#" + name;
          return link;
        }
        return element("code", schema.type || "any");
      };
      const body = (content) => {
        const [type, value] = Object.entries(content || {})[0] || [];
        return element("span", "", shape(value && value.schema), type ? " as " + type : "");
      };
      const draw = (path, method, operation) => {
        const head = element("summary", "", element("span", method.toUpperCase()), element("code", path), " — ", operation.summary);
        head.firstChild.className = "method";
        const table = element("table");
        for (const parameter of operation.parameters || [])
          table.append(element("tr", "", element("th", parameter.name), element("td", parameter.in + (parameter.description ? ": " + parameter.description : ""))));
        if (operation.requestBody)
          table.append(element("tr", "", element("th", "body"), element("td", "", body(operation.requestBody.content))));
        for (const [status, response] of Object.entries(operation.responses))
          table.append(element("tr", "", element("th", status), element("td", response.description + ": ", body(response.content))));
        return element("details", "", head, table);
      };
      fetch("/openapi.json").then((answer) => answer.json()).then((api) => {
        document.getElementById("about").textContent = api.info.description;
        const groups = {};
        for (const [path, methods] of Object.entries(api.paths))
          for (const [method, operation] of Object.entries(methods))
            (groups[operation.tags[0]] ||= []).push(draw(path, method, operation));
        const place = document.getElementById("operations");
        place.textContent = "";
        for (const [name, nodes] of Object.entries(groups)) place.append(element("h2", name), ...nodes);
        for (const [name, schema] of Object.entries(api.components.schemas)) {
          const node = element("details", "", element("summary", name), element("pre", JSON.stringify(schema, null, 2)));
          node.id = name;
          document.getElementById("shapes").append(node);
        }
      }).catch((error) => { document.getElementById("operations").textContent = "The document cannot be read: " + error; });
    </script>
    """#
}

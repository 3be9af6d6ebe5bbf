/// The trader's page: its style.
let pageStyle = #"""
  :root {
    --back: #0c1017; --panel: #141a24; --raised: #1b2331; --line: #263040; --text: #d9e1ec; --faint: #7d8aa0;
    --up: #26b38a; --down: #f0616d; --accent: #4c8dff;
    font: 13px/1.4 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  }
  * { box-sizing: border-box; }
  [hidden] { display: none !important; }
  body { margin: 0; height: 100vh; display: flex; flex-direction: column; background: var(--back); color: var(--text); }
  h1, h2 { margin: 0; font-size: 15px; font-weight: 650; letter-spacing: .01em; }
  header { display: flex; align-items: center; gap: 28px; padding: 8px 16px; background: var(--panel);
    border-bottom: 1px solid var(--line); }
  header h1::before { content: ""; display: inline-block; width: 10px; height: 10px; margin-right: 9px;
    border-radius: 3px; background: linear-gradient(135deg, var(--accent), var(--up)); }
  dl { display: flex; gap: 26px; margin: 0; flex: 1; }
  dt { color: var(--faint); font-size: 11px; } dd { margin: 0; font-weight: 600; }
  dd, td, input, .deal b { font-variant-numeric: tabular-nums; }
  #session { display: flex; align-items: center; gap: 14px; color: var(--faint); }
  #account { color: var(--text); }
  #link::before { content: ""; display: inline-block; width: 8px; height: 8px; margin-right: 6px; border-radius: 50%;
    background: var(--down); }
  #link.on::before { background: var(--up); box-shadow: 0 0 0 3px #26b38a33; }
  main { flex: 1; min-height: 0; display: grid; gap: 8px; padding: 8px;
    grid-template: minmax(0, 1fr) minmax(150px, 30%) / 318px minmax(0, 1fr) 264px;
    grid-template-areas: "watch chart ticket" "watch books books"; }
  section { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; min-width: 0; min-height: 0;
    overflow: hidden; display: flex; flex-direction: column; }
  #watch { grid-area: watch; overflow-y: auto; } #chart { grid-area: chart; } #ticket { grid-area: ticket; }
  #books { grid-area: books; }
  table { width: 100%; border-collapse: collapse; }
  th { position: sticky; top: 0; z-index: 1; padding: 7px 10px; background: var(--panel); color: var(--faint);
    font-size: 11px; font-weight: 500; text-align: right; box-shadow: inset 0 -1px var(--line); white-space: nowrap; }
  td { padding: 5px 10px; text-align: right; white-space: nowrap; }
  th:first-child, td:first-child, .left { text-align: left; }
  tbody tr { border-bottom: 1px solid #1c2431; }
  tbody tr:hover { background: var(--raised); }
  #symbols tr { cursor: pointer; }
  #symbols tr.on { background: #1d2b45; box-shadow: inset 3px 0 var(--accent); }
  #symbols td:first-child { font-weight: 600; } #symbols td:last-child { color: var(--faint); }
  .up { color: var(--up); } .down { color: var(--down); }
  .bar { display: flex; align-items: baseline; gap: 10px; padding: 10px 14px 6px; }
  .bar span { color: var(--faint); flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  nav { white-space: nowrap; }
  nav button { border: 0; background: none; color: var(--faint); padding: 4px 9px; border-radius: 5px; }
  nav button.on { color: var(--text); background: var(--raised); }
  #tabs { padding: 6px 8px 4px; } #tabs i { font-style: normal; color: var(--accent); margin-left: 3px; }
  #canvas-box { flex: 1; min-height: 0; position: relative; }
  canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: block; }
  .scroll { flex: 1; overflow: auto; position: relative; }
  #nothing { margin: 0; padding: 18px; color: var(--faint); text-align: center; }
  #ticket { padding: 14px; gap: 12px; }
  form { display: flex; flex-direction: column; gap: 12px; }
  label { display: flex; flex-direction: column; gap: 4px; color: var(--faint); font-size: 11px; }
  input { width: 100%; padding: 7px 9px; background: var(--back); color: var(--text); border: 1px solid var(--line);
    border-radius: 6px; font: inherit; font-size: 13px; }
  input:focus { outline: 2px solid #4c8dff66; border-color: var(--accent); }
  input::placeholder { color: #4a5568; }
  button { font: inherit; cursor: pointer; color: inherit; }
  .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 8px; }
  .choice { display: grid; grid-template-columns: repeat(3, 1fr); background: var(--back); border-radius: 7px; padding: 3px; }
  .choice button { border: 0; border-radius: 5px; padding: 5px; background: none; color: var(--faint); }
  .choice button.on { background: var(--raised); color: var(--text); }
  .stepper { display: grid; grid-template-columns: 32px 1fr 32px; gap: 4px; }
  .stepper button { border: 1px solid var(--line); border-radius: 6px; background: var(--raised); }
  .stepper input { text-align: center; }
  .deal button { border: 0; border-radius: 7px; padding: 9px 4px; color: #fff; display: flex; flex-direction: column;
    align-items: center; }
  .deal b { font-size: 15px; } .deal small { opacity: .85; }
  #sell { background: #c9404e; } #buy { background: #178a68; }
  #sell:hover { background: #dc4c5b; } #buy:hover { background: #1a9d77; }
  .deal button:disabled { opacity: .45; cursor: default; }
  #answer { margin: 0; min-height: 36px; font-size: 12px; color: var(--faint); overflow-wrap: anywhere; }
  #answer.good { color: var(--up); } #answer.bad, #log-in-error { color: var(--down); }
  .quiet, td button { border: 1px solid var(--line); background: var(--raised); border-radius: 5px; padding: 4px 10px; }
  td button { padding: 1px 8px; } td button:hover, .quiet:hover { border-color: var(--faint); }
  .main { border: 0; border-radius: 6px; background: var(--accent); color: #fff; padding: 7px; }
  dialog { width: 300px; background: var(--panel); color: var(--text); border: 1px solid var(--line); border-radius: 10px;
    padding: 20px; }
  dialog::backdrop { background: #05080ccc; }
  #log-in-error { margin: 0; font-size: 12px; }
  @media (max-width: 980px) {
    body { height: auto; } header { flex-wrap: wrap; gap: 10px 28px; }
    header h1 { flex: 1; } #figures { order: 1; flex: 1 1 100%; }
    dl { display: grid; grid-template-columns: repeat(3, 1fr); gap: 8px 12px; }
    main { display: flex; flex-direction: column; } #chart { height: 46vh; } #watch { max-height: 232px; }
    #books { min-height: 190px; }
  }
  @media (max-width: 600px) {
    header h1 { font-size: 0; flex: none; } header h1::before { margin: 0; vertical-align: middle; }
    #session { flex: 1; } #account { flex: 1; } input { font-size: 16px; }
    td, th { padding-left: 6px; padding-right: 6px; } td button { padding: 5px 9px; } td.details { white-space: normal; }
    [data-table=trades] :is(th, td):is(:nth-child(1), :nth-child(6), :nth-child(7), :nth-child(8)),
    [data-table=orders] :is(th, td):is(:nth-child(1), :nth-child(7), :nth-child(8)),
    [data-table=history] :is(th, td):is(:nth-child(1), :nth-child(6)) { display: none; }
  }
  """#

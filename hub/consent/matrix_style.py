"""How the matrix looks: plain as a table of GOV.UK, legible at arm's length, and on paper.

Text on each colour has a contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3); a test computes it from here.
"""

from __future__ import annotations

CSS = """\
:root { color-scheme: light; }
body { margin: 0 auto; padding: 1rem 2rem 4rem; max-width: 100rem; color: #0b0c0c; background: #ffffff;
  font: 1rem/1.5 Arial, Helvetica, sans-serif; }
h1 { font-size: 2rem; margin: 1rem 0; }
h2 { font-size: 1.5rem; margin: 2.5rem 0 1rem; }
h3 { font-size: 1.2rem; margin: 1.5rem 0 .5rem; }
p, li, dd { max-width: 60rem; }
li { margin: .35rem 0; }
a { color: #1d70b8; background: #ffffff; }
a:focus, .scroll:focus { outline: 3px solid #0b0c0c; outline-offset: 2px; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: 1rem; padding: .5rem; color: #0b0c0c; background: #ffdd00; z-index: 9; }
.links { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; padding: 0; list-style: none; }
.key { display: grid; grid-template-columns: 3rem 1fr; gap: .25rem .75rem; align-items: center; }
.key dt { text-align: center; font-weight: bold; padding: .15rem; border: 1px solid #505a5f; }
.key dd { margin: 0; }
code { font-family: Consolas, Menlo, monospace; font-size: .92em; overflow-wrap: anywhere; }
.scroll { overflow: auto; max-height: 85vh; border: 1px solid #b1b4b6; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: .95rem; }
caption { text-align: left; font-weight: bold; padding: .75rem; }
caption span { position: sticky; left: .75rem; display: inline-block;
  max-width: min(60rem, calc(100vw - 6rem)); }
th, td { padding: .35rem .5rem; text-align: left; vertical-align: top;
  border-right: 1px solid #b1b4b6; border-bottom: 1px solid #b1b4b6; }
td { text-align: left; }
thead { position: sticky; top: 0; z-index: 2; }
thead th { color: #0b0c0c; background: #f3f2f1; }
thead tr:first-child th:first-child { position: sticky; left: 0; z-index: 1; }
thead tr + tr th { text-align: center; white-space: nowrap; }
abbr { text-decoration: none; }
tbody th { font-weight: normal; color: #0b0c0c; background: #ffffff; }
tbody th:first-child:not(.purpose) { position: sticky; left: 0; z-index: 1; }
.purpose { font-size: .85rem; color: #505a5f; background: #ffffff; min-width: 8rem; }
.field { min-width: 6rem; }
@media (min-width: 60rem) {
  .field { width: 9rem; min-width: 9rem; max-width: 9rem; }
  .field + th, .purpose { position: sticky; left: calc(10rem + 1px); z-index: 1; }
}
td.d, td.g, td.r, td.w { text-align: center; font-weight: bold; white-space: nowrap; }
td small { font-weight: normal; font-size: .8rem; white-space: nowrap; }
.d { color: #0b0c0c; background: #a9d8c0; }
.g { color: #0b0c0c; background: #fff0a8; }
.r { color: #0b0c0c; background: #fbc9a9; }
.w { color: #505a5f; background: #f8f8f8; }
.d.some { color: #0b0c0c; background: #dcf0e6; }
.g.some { color: #0b0c0c; background: #fff8d6; }
.r.some { color: #0b0c0c; background: #fde6d8; }
@media print {
  @page { size: A3 landscape; margin: 10mm; }
  body { max-width: none; padding: 0; font-size: 9pt; }
  nav, .skip { display: none; }
  .scroll { overflow: visible; max-height: none; border: 0; }
  thead { display: table-header-group; }
  caption span { max-width: none; }
  thead, caption span, thead tr:first-child th:first-child, .field + th, .purpose,
  tbody th:first-child:not(.purpose) { position: static; }
  tbody, li { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  * { print-color-adjust: exact; }
}
"""

"""The HTML page's frame and look: a template that escapes everything, and one style sheet."""

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1f2933; --faint: #5b6672;
  --line: #d9dfe5; --soft: #f4f6f8; --accent: #0072b2; --good: #00795a; --warn: #b34700; }
@media (prefers-color-scheme: dark) { :root { --paper: #15191e; --ink: #e6eaee; --faint: #9aa5b1;
  --line: #313840; --soft: #1d2329; --accent: #56b4e9; --good: #35c79a; --warn: #f2935c; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
.frame { display: grid; grid-template-columns: 13rem minmax(0, 52rem); gap: 3rem;
  max-width: 72rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
nav { position: sticky; top: 2.5rem; align-self: start; font-size: .9rem; }
nav a { display: block; padding: .3rem 0 .3rem .8rem; color: var(--faint);
  text-decoration: none; border-left: 2px solid var(--line); }
nav a:hover, nav a:focus { color: var(--accent); border-color: var(--accent); }
h1 { font-size: 2.1rem; line-height: 1.2; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.45rem; margin: 3rem 0 .8rem; padding-top: .8rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1.1rem; margin: 2rem 0 .6rem; }
p, li { overflow-wrap: anywhere; } p { margin: .6rem 0; } li { margin: .3rem 0; }
.subtitle, .small, figcaption, .note { color: var(--faint); } .small, .note { font-size: .875rem; }
.lead { font-size: 1.125rem; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem;
  margin: 1.2rem 0 0; font-size: .92rem; }
dl.facts dt { color: var(--faint); } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .8rem;
  margin: 1.2rem 0; padding: 0; list-style: none; }
.tiles li { margin: 0; padding: .8rem 1rem; background: var(--soft); border-radius: .5rem; }
.tiles strong { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.tiles span { color: var(--faint); font-size: .875rem; }
.callout { margin: 1.2rem 0; padding: .9rem 1.1rem; background: var(--soft);
  border-left: 4px solid var(--accent); border-radius: 0 .5rem .5rem 0; }
.callout strong { display: block; } .callout p { margin: .3rem 0 0; }
.callout.good { border-color: var(--good); } .callout.warning { border-color: var(--warn); }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { padding: .45rem .7rem; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; min-width: 5.8rem; }
th { color: var(--faint); font-weight: 600; border-bottom: 2px solid var(--line); }
.right { text-align: right; font-variant-numeric: tabular-nums; min-width: 4rem; }
tr.strong td { font-weight: 650; background: var(--soft); }
figure { margin: 2rem 0; break-inside: avoid; }
figure img { display: block; width: 100%; height: auto; background: #fff; border-radius: .4rem;
  border: 1px solid var(--line); }
figcaption { margin-top: .5rem; font-size: .9rem; overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: .8rem 1rem; background: var(--soft); border-radius: .4rem;
  font: .875rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
@media (max-width: 60rem) { .frame { display: block; padding: 1.5rem 1rem 3rem; }
  nav { position: static; columns: 2; margin-bottom: 2rem; } }
@media print { :root { --paper: #fff; --ink: #000; --faint: #444; --line: #bbb; --soft: #f2f2f2; }
  body { font-size: 10pt; } .frame { display: block; max-width: none; padding: 0; }
  nav { display: none; } h2, h3 { break-after: avoid; } tr, .callout { break-inside: avoid; }
  thead { display: table-header-group; } .scroll { overflow: visible; } }
"""

TEMPLATE = """\
{%- macro table(block) -%}
<div class="scroll" tabindex="0" role="region" aria-label="{{ block.header | join(', ') }}">
<table><thead><tr>
{%- for cell in block.header %}<th scope="col"{{ side(block, loop.index0) }}>{{ cell }}</th>
{%- endfor %}</tr></thead><tbody>
{%- for row in block.rows %}
<tr{% if loop.index0 in block.strong %} class="strong"{% endif %}>
{%- for cell in row %}<td{{ side(block, loop.index0) }}>{{ cell }}</td>{% endfor %}</tr>
{%- endfor %}
</tbody></table></div>
{%- if block.note %}<p class="note">{{ block.note }}</p>{% endif %}
{%- endmacro -%}
{%- macro side(block, column) -%}
{% if block.alignment(column) == "right" %} class="right"{% endif %}
{%- endmacro -%}
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{{ document.title }}</title>
<style>{{ style }}</style>
</head>
<body>
<div class="frame">
<nav aria-label="Sections">
{%- for section in document.sections() %}
<a href="#{{ section.anchor }}">{{ section.text }}</a>
{%- endfor %}
</nav>
<main>
<header>
<h1>{{ document.title }}</h1>
<p class="subtitle">{{ document.subtitle }}</p>
<dl class="facts">
{%- for label, value in document.facts %}<dt>{{ label }}</dt><dd>{{ value }}</dd>{% endfor %}
</dl>
</header>
{%- for kind, block in blocks %}
{% if kind == "Heading" -%}
<h{{ block.level }} id="{{ block.anchor }}">{{ block.text }}</h{{ block.level }}>
{%- elif kind == "Paragraph" -%}
<p{% if block.tone != "normal" %} class="{{ block.tone }}"{% endif %}>{{ block.text }}</p>
{%- elif kind == "BulletList" -%}
<{{ "ol" if block.numbered else "ul" }}>
{%- for item in block.items %}<li>{{ item }}</li>{% endfor %}
</{{ "ol" if block.numbered else "ul" }}>
{%- elif kind == "Figures" -%}
<ul class="tiles">
{%- for value, label in block.items %}<li><strong>{{ value }}</strong><span>{{ label }}</span></li>
{%- endfor %}</ul>
{%- elif kind == "Table" -%}
{{ table(block) }}
{%- elif kind == "Figure" -%}
<figure><img src="{{ picture(block) }}" alt="{{ block.title }}" loading="lazy">
{%- if block.caption %}<figcaption>{{ block.caption }}</figcaption>{% endif %}</figure>
{%- elif kind == "Callout" -%}
<div class="callout {{ block.mood }}" role="note"><strong>{{ block.title }}</strong>
<p>{{ block.text }}</p></div>
{%- elif kind == "Code" -%}
<pre tabindex="0"><code>{{ block.text }}</code></pre>
{%- endif %}
{%- endfor %}
</main>
</div>
</body>
</html>
"""

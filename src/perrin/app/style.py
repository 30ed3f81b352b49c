"""How the page of the app looks."""

from __future__ import annotations

PRIMARY = "#2480c0"  # the blue of the figures, lighter: read on white and on black
STYLE = """
.nicegui-content { padding: 0; gap: 0; }
.side { width: 390px; height: 100vh; overflow: auto; padding: 8px 16px; gap: 6px; }
.side { flex-wrap: nowrap; border-right: 1px solid #8884; }
.side > * { flex-shrink: 0; }
.main { flex: 1; height: 100vh; min-width: 0; }
.main { gap: 0; flex-wrap: nowrap; }
.welcome { max-width: 46ch; text-align: center; }
.main iframe { border: 0; width: 100%; height: 100%; }
.picture { width: 100%; min-height: 0; flex: 1; object-fit: contain; background: #fff; }
.step { font-weight: 700; font-size: 15px; margin-top: 2px; }
.files { width: 100%; max-height: 132px; overflow: auto; gap: 0; flex-wrap: nowrap; }
.file { width: 100%; font-size: 14px; min-height: 26px; }
.because { padding-left: 28px; overflow-wrap: anywhere; }
.quiet { opacity: .72; font-size: 13px; overflow-wrap: anywhere; }
.said { font-size: 12.5px; white-space: pre-wrap; overflow-wrap: anywhere; }
.said { max-height: 104px; overflow: auto; width: 100%; }
.problem { color: #b3261e; font-size: 13.5px; overflow-wrap: anywhere; }
.run { position: sticky; bottom: -8px; width: 100%; gap: 4px; padding: 4px 0 8px; z-index: 1; }
.run, .side { background: #fff; }
.q-uploader { width: 100%; max-height: 84px; }
.q-uploader__subtitle { display: none; }
.name { white-space: nowrap; }
.q-uploader__list { min-height: 24px; padding: 0; }
body.body--dark .run, body.body--dark .side { background: #121212; }
body.body--dark .problem { color: #ff8a80; }
"""

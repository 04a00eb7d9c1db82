// A link as a QR code. Black on white whatever the theme: cameras expect it.
import qrcode from 'qrcode-generator';

const kQuiet = 4;

export default function Qr({ text, label }: { text: string; label: string }) {
  const code = qrcode(0, 'M');
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  let path = '';
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      if (code.isDark(row, column)) path += `M${column} ${row}h1v1h-1z`;
    }
  }
  const edge = size + 2 * kQuiet;
  return (
    <svg
      class="qr"
      viewBox={`${-kQuiet} ${-kQuiet} ${edge} ${edge}`}
      role="img"
      aria-label={label}
      shape-rendering="crispEdges"
    >
      <rect x={-kQuiet} y={-kQuiet} width={edge} height={edge} fill="#ffffff" />
      <path d={path} fill="#000000" />
    </svg>
  );
}

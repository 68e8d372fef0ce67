// Writes the workbooks of a specification with SheetJS: node sheetjs.mjs SPECIFICATION.json
import { readFileSync } from 'node:fs';
import * as XLSX from '@e965/xlsx';
import * as fs from 'node:fs';

XLSX.set_fs(fs);
for (const { path, sheets } of JSON.parse(readFileSync(process.argv[2], 'utf8'))) {
  const book = XLSX.utils.book_new();
  for (const { name, hidden, rows, hiddenRows } of sheets) {
    const sheet = {};
    rows.forEach((row, r) => row.forEach((cell, c) => {
      if (cell === null) return;
      const [value, format] = cell;
      sheet[XLSX.utils.encode_cell({ r, c })] = typeof value === 'number'
        ? { t: 'n', v: value, ...(format ? { z: format } : {}) }
        : { t: 's', v: value };
    }));
    sheet['!ref'] = `A1:${XLSX.utils.encode_cell({ r: rows.length - 1, c: Math.max(...rows.map((row) => row.length)) - 1 })}`;
    sheet['!rows'] = rows.map((_, r) => ({ hidden: hiddenRows.includes(r) }));
    XLSX.utils.book_append_sheet(book, sheet, name);
    book.Workbook ??= { Sheets: [] };
    book.Workbook.Sheets.push({ name, Hidden: hidden ? 1 : 0 });
  }
  XLSX.writeFile(book, path, { bookSST: path.length % 2 === 0 });
}

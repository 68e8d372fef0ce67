"""Tests of exported files in headless LibreOffice and in openpyxl.

The command line imports the fixtures into a shop and exports its downloads; every cell is compared with the
expected value. LibreOffice runs with a separate profile.
"""

import csv
import datetime
import os
import pathlib
import subprocess
import tempfile
import unittest

import openpyxl

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PROGRAM = os.environ.get("MUKKEUM_BINARY", str(TARGET / "debug" / "mukkeum"))

# Tracking numbers: the four parcels of fixture 07. The order of the shop's own delivery team was delivered without one.
TRACKING = """상품주문번호,택배사,송장번호
2024031500000001,로젠택배,45168300137
2024031500000002,로젠택배,45168300137
2024031500000003,로젠,45168300411
2024031500000010,대한통운,612345678901
"""

HEADERS = """번호 상품주문번호 구매자명 구매자연락처 수취인명 수취인연락처1 수취인연락처2 상품명 옵션1 옵션2 옵션3 합배송수 수량
지역 주소 발송기한 희망배송일 발주일 출고일 배송일 배송방법 배송비 택배사 송장번호 고객메모 발주메모 상태""".split()
WIDTHS = [6, 21, 12, 18, 12, 15, 15, 42, 30, 30, 30, 9, 9, 9, 60, 12, 12, 12, 12, 12, 15, 9, 15, 24, 42, 42, 9]
MESSAGE = '=HYPERLINK("http://example.invalid","클릭")\n오후 2시 이후 🙏 <b>&amp;</b>'

# Excel's units: a character is 7 pixels wide, a cell has 5 pixels of padding; a point is 4/3 pixels.
PADDING = 5 / 7
POINTS = 3 / 4


class Office(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="mukkeum-office-")
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = pathlib.Path(cls.temporary.name)
        tracking = cls.folder / "발송.csv"
        tracking.write_text(TRACKING)
        cls.program("import", "orders", FIXTURES / "01_smartstore_orders_72col.xlsx")
        cls.program("import", "tracking", tracking)
        workbook = openpyxl.load_workbook(FIXTURES / "01_smartstore_orders_72col.xlsx")
        sheet = workbook.active
        headers = [cell.value for cell in sheet[2]]
        delivered = next(row for row in sheet.iter_rows(min_row=3) if "2024031500000009" in [cell.value for cell in row])
        delivered[headers.index("주문상태")].value = "배송중"
        workbook.save(cls.folder / "02.xlsx")
        cls.program("import", "orders", cls.folder / "02.xlsx")
        for content, *words in (
            ("purchase-order",),
            ("dispatch",),
            ("orders", "--state", "PLACED"),
        ):
            cls.program("export", content, *words, "--out", cls.folder / f"{content}.xlsx")
        cls.program("export", "purchase-order", "--product", "PILLOW", "--out", cls.folder / "one.xlsx")
        (cls.folder / "golden.xls").write_bytes((FIXTURES / "07_smartstore_dispatch_expected.xls").read_bytes())
        names = ["purchase-order.xlsx", "dispatch.xlsx", "orders.xlsx", "golden.xls"]
        # Every sheet to a .csv of its name, with quoted and formatted values.
        cls.office("csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true,false,false,false,-1", names)
        cls.office("fods", names[:3])

    @classmethod
    def program(cls, *words):
        command = [PROGRAM, "--data", cls.folder / "data", "--log-level", "error", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"

    @classmethod
    def office(cls, kind, names):
        profile = f"-env:UserInstallation=file://{cls.folder}/profile"
        command = ["soffice", profile, "--headless", "--convert-to", kind, "--outdir", cls.folder]
        subprocess.run([*command, *(cls.folder / name for name in names)], check=True, capture_output=True, timeout=240)

    def shown(self, name, sheet):
        """Cells of a sheet as LibreOffice formats them."""
        with (self.folder / f"{name}-{sheet}.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.reader(file))

    def opened(self, name):
        return openpyxl.load_workbook(self.folder / f"{name}.xlsx")

    def order(self, workbook, number):
        """Cells of an order's row, by header."""
        for sheet in workbook:
            headers = [cell.value for cell in sheet[1]]
            for row in sheet.iter_rows(min_row=2):
                if row[1].value == number:
                    return dict(zip(headers, row))
        self.fail(f"{number} is missing")

    def test_dispatch_file_equals_the_golden_file(self):
        golden = self.shown("golden", "발송처리")
        self.assertEqual(self.shown("dispatch", "발송처리"), golden)
        workbook = self.opened("dispatch")
        self.assertEqual(workbook.sheetnames, ["발송처리"])
        cells = [[cell.value or "" for cell in row] for row in workbook["발송처리"].iter_rows()]
        self.assertEqual(cells, golden)
        for row in workbook["발송처리"].iter_rows():
            for cell in row:
                self.assertIn(cell.data_type, ("s", "inlineStr") if cell.value else ("n", "s"), cell.coordinate)
        self.assertFalse(workbook["발송처리"].merged_cells.ranges)

    def test_purchase_order_has_a_sheet_per_product(self):
        workbook = self.opened("purchase-order")
        self.assertEqual(len(workbook.sheetnames), 7)
        # 23 orders, of which one has an open cancellation.
        self.assertEqual(sum(sheet.max_row - 1 for sheet in workbook), 22)
        for sheet in workbook:
            self.assertEqual([cell.value for cell in sheet[1]], HEADERS)
            self.assertEqual([row[0].value for row in sheet.iter_rows(min_row=2)], list(range(1, sheet.max_row)))
            self.assertEqual({row[7].value for row in sheet.iter_rows(min_row=2)}, {sheet.title})
        self.assertEqual(len(self.opened("one").sheetnames), 1)

    def test_purchase_order_has_the_agreed_format(self):
        for sheet in self.opened("purchase-order"):
            # The file merges adjacent columns of the same width into one entry.
            entries = sorted(sheet.column_dimensions.values(), key=lambda entry: entry.min)
            widths = [entry.width for entry in entries for _ in range(entry.min, entry.max + 1)]
            self.assertEqual([round(width - PADDING, 2) for width in widths], WIDTHS)
            self.assertEqual(sheet.row_dimensions[1].height, 24 * POINTS)
            for row in range(2, sheet.max_row + 1):
                texts = [cell.value for cell in sheet[row]]
                higher = MESSAGE in texts
                self.assertGreaterEqual(sheet.row_dimensions[row].height, (66 if higher else 36) * POINTS, texts)
            for cell in sheet[1]:
                self.assertTrue(cell.font.bold)
                self.assertEqual((cell.alignment.horizontal, cell.fill.fgColor.rgb), ("center", "FFC2FFC0"))
            for row in sheet.iter_rows():
                for cell in row:
                    sides = [getattr(cell.border, side).style for side in ("left", "right", "top", "bottom")]
                    self.assertEqual(sides, ["thin"] * 4, cell.coordinate)
                    self.assertTrue(cell.alignment.wrap_text, cell.coordinate)
                    self.assertEqual(cell.font.name, "맑은 고딕", cell.coordinate)

    def test_cells_contain_the_fields_of_the_order(self):
        workbook = self.opened("purchase-order")
        first = self.order(workbook, "2024031500000001")
        self.assertEqual(first["발송기한"].value, datetime.datetime(2024, 3, 20))
        self.assertTrue(first["발송기한"].is_date and first["배송일"].is_date)
        self.assertIsNone(first["발주일"].value)
        values = {name: first[name].value for name in ("합배송수", "수량", "옵션1", "옵션2", "지역", "배송방법", "배송비", "택배사", "송장번호", "상태")}
        self.assertEqual(values, {
            "합배송수": 2, "수량": 1, "옵션1": "아이보리", "옵션2": None, "지역": "서울 중구", "배송방법": "택배,등기,소포",
            "배송비": "선결제", "택배사": "로젠택배", "송장번호": "45168300137", "상태": "배송됨",
        })
        bed = self.order(workbook, "2024031500000003")
        self.assertEqual([bed[f"옵션{number}"].value for number in (1, 2, 3)], ["퀸(1500x2000)", "내추럴", "없음"])

    def test_text_is_never_a_formula(self):
        for name, column in (("purchase-order", "고객메모"), ("orders", "고객메시지")):
            workbook = self.opened(name)
            found = [cell for sheet in workbook for row in sheet.iter_rows() for cell in row if cell.value == MESSAGE]
            self.assertEqual(len(found), 1, name)
            self.assertIn(found[0].data_type, ("s", "inlineStr"))
            self.assertEqual(found[0].parent.cell(1, found[0].column).value, column)
            self.assertNotIn("table:formula", (self.folder / f"{name}.fods").read_text(), name)

    def test_libreoffice_and_openpyxl_read_the_same_values(self):
        workbook = self.opened("purchase-order")
        for sheet in workbook:
            shown = self.shown("purchase-order", sheet.title)
            self.assertEqual(len(shown), sheet.max_row)
            for line, row in zip(shown, sheet.iter_rows()):
                self.assertEqual(line, [formatted(cell.value) for cell in row])


def formatted(value):
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    return "" if value is None else str(value)


if __name__ == "__main__":
    unittest.main(verbosity=2)

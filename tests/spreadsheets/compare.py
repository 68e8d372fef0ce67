"""Order files of other programs, read by the program and by LibreOffice. See README.md."""

import argparse
import datetime
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unicodedata

import openpyxl
import xlsxwriter

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PROGRAM = os.environ.get("MUKKEUM_BINARY", str(TARGET / "debug" / "mukkeum"))

HEADERS = ["상품주문번호", "수취인명", "상품명", "옵션정보", "수량", "발송기한", "배송비 형태", "배송비 묶음번호", "판매자 상품코드",
           "수취인연락처1", "수취인연락처2", "기본배송지", "상세배송지", "우편번호", "배송메세지", "정산예정금액", "주문일시"]
COMPARED = ["order_number", "recipient_name", "options", "quantity", "dispatch_deadline", "charge_type",
            "bundle_number", "product_number", "recipient_tel1", "recipient_tel2", "recipient_address1", "recipient_address2",
            "recipient_zip_code", "customer_message", "price", "placed_at"]
# All sheets, as shown, in UTF-8.
CSV_FILTER = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true,false,false,-1"
EPOCH = datetime.datetime(1899, 12, 30)


def serial(moment):
    return (moment - EPOCH).total_seconds() / 86400


def order(dice, number):
    """The cells of an order: text, or a number and its format."""
    pick = dice.choice
    day = datetime.datetime(2026, dice.randint(1, 12), dice.randint(1, 28))
    moment = day + datetime.timedelta(minutes=dice.randint(0, 1439))
    mobile = 1_000_000_000 + dice.randint(10_000_000, 99_999_999)
    dashed = f"010-{mobile % 100_000_000 // 10_000:04}-{mobile % 10_000:04}"
    key = 2026_0000_0000_0000 + day.month * 10**12 + day.day * 10**10 + number * 10 + dice.randint(1, 9)
    return [
        pick([(str(key), None), (key, "0"), (key, "0000000000000000")]),
        pick([("홍 길동", None), (unicodedata.normalize("NFD", "김수취"), None), ("  이\u00a0름 ", None), (serial(day), 'm"월" d"일"')]),
        ("침대 \"퀸\", 낮은", None),
        pick([("사이즈: 퀸 / 색상: 아이보리", None), ("", None), (serial(day), "m-d"), (serial(day), 'm"월" d"일"'), (dice.randint(1, 99), '0"호"')]),
        pick([(str(dice.randint(1, 9)), None), (dice.randint(1, 9), None), (dice.randint(1, 1500), "#,##0"), (dice.randint(1, 9), "0")]),
        pick([(serial(day), "yyyy-mm-dd"), (serial(day), "yyyy/mm/dd"), (f"{day:%Y-%m-%d}", None), (serial(day), 'yyyy"년" m"월" d"일"'), ("-", None), ("", None)]),
        pick([("선결제", None), ("착불", None), (" 무료 ", None)]),
        pick([(str(3_100_000_000 + number), None), (3_100_000_000 + number, "0"), (3_100_000_000 + number, None)]),
        pick([("BED-01", None), ("00" + str(dice.randint(1, 9)), None), (dice.randint(1, 999), "00000"), (dice.randint(1, 99), '"BED-"000')]),
        pick([(dashed, None), (dashed.replace("-", ""), None), (mobile, "000-0000-0000"), (mobile, None), (f"+82 {dashed[1:]}", None), (f"{dashed} (안심)", None)]),
        pick([("", None), ("-", None), ("02-123-4567", None), (212_345_678, "00-0000-0000"), (212_345_678, "[<=999999999]0#-####-####;000-0000-0000")]),
        ("서울특별시 중구 세종대로 " + str(number), None),
        pick([("1층", None), (dice.randint(101, 1999), '0"호"'), (serial(day), "m-d"), (serial(day), "mm/dd"), (0.5, "# ?/?"), (2.25, "# ??/??"), (0.35, "0%"),
              (0.1255, "0.00%"), ((moment - day).total_seconds() / 86400, "h:mm"), (1234.5, "#,##0.00"), (dice.randint(1, 99), "000"), (-12, "0;(0)"), (7, "General"), (1.5, None), (0.1 + 0.2, "0.0")]),
        pick([("04524", None), (4524, "00000"), ("", None)]),
        pick([("문 앞", None), ("줄\n바꿈 \"따옴표\", 쉼표", None), ("🙏 <b>&amp;</b>", None), ("=1+1", None), (serial(day), "yyyy-mm-dd")]),
        pick([(dice.randint(0, 900_000), None), (dice.randint(0, 900_000), '"₩"#,##0'), (-dice.randint(1, 9_000), "#,##0;-#,##0"), (dice.randint(0, 900_000), "#,##0_);(#,##0)"), ("△1,200", None), ("12,000원", None), ("-", None)]),
        pick([(serial(moment), "yyyy-mm-dd hh:mm:ss"), (serial(moment), "yyyy/mm/dd\\ hh:mm"), (f"{moment:%Y-%m-%d %H:%M}", None), (serial(moment), "yyyy-mm-dd h:mm AM/PM")]),
    ]


def book(dice, index):
    """The sheets of a workbook: name, hidden, rows of cells, indexes of hidden rows."""
    sheets = []
    for sheet in range(dice.choice([1, 1, 1, 2, 3])):
        rows = [[(header, None) for header in HEADERS]]
        if dice.random() < 0.3:
            rows.insert(0, [("◈ 상품주문번호, 송장번호를 채워 올려 주세요", None)])
        first = len(rows)
        rows += [order(dice, index * 100 + sheet * 20 + number) for number in range(dice.randint(3, 9))]
        hidden = [row for row in range(first, len(rows)) if dice.random() < 0.15]
        sheets.append({"name": f"{11 + sheet}월", "hidden": False, "rows": rows, "hiddenRows": hidden})
    if dice.random() < 0.3:
        sheets.append({"name": "통계", "hidden": dice.random() < 0.5, "rows": [[("합계", None)], [(sheets and 12, None)]], "hiddenRows": []})
    return sheets


def write_openpyxl(path, sheets):
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for spec in sheets:
        sheet = workbook.create_sheet(spec["name"])
        sheet.sheet_state = "hidden" if spec["hidden"] else "visible"
        for r, row in enumerate(spec["rows"], 1):
            for c, (value, number_format) in enumerate(row, 1):
                cell = sheet.cell(r, c)
                if isinstance(value, str):
                    cell.value, cell.data_type = value, "s"
                else:
                    cell.value = value
                if number_format:
                    cell.number_format = number_format
        for row in spec["hiddenRows"]:
            sheet.row_dimensions[row + 1].hidden = True
    workbook.save(path)


def write_xlsxwriter(path, sheets):
    workbook = xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_numbers": False})
    for spec in sheets:
        sheet = workbook.add_worksheet(spec["name"])
        if spec["hidden"]:
            sheet.hide()
        for r, row in enumerate(spec["rows"]):
            for c, (value, number_format) in enumerate(row):
                look = workbook.add_format({"num_format": number_format}) if number_format else None
                (sheet.write_string if isinstance(value, str) else sheet.write_number)(r, c, value, look)
        for row in spec["hiddenRows"]:
            sheet.set_row(row, None, None, {"hidden": True})
    workbook.close()


def soffice(profile, arguments):
    command = ["soffice", f"-env:UserInstallation=file://{profile}", "--headless", "--norestore"]
    subprocess.run(command + arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env={**os.environ, "LC_ALL": "C.UTF-8"})


def orders(folder, files):
    """The orders of a new shop with these files, by number, and what the imports answered."""
    data = folder / "shop"
    shutil.rmtree(data, ignore_errors=True)
    answers = []
    for file in files:
        run = subprocess.run([PROGRAM, "--data", data, "import", "orders", file, "--json"], capture_output=True, text=True)
        answers.append(run.stdout or run.stderr)
    out = folder / "orders.json"
    subprocess.run([PROGRAM, "--data", data, "export", "orders", "--out", out], check=True, capture_output=True)
    return {order["order_number"]: {key: order[key] for key in COMPARED} for order in json.loads(out.read_text())}, answers


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path, help="write the files here and keep them")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        return compare(folder, arguments.files, random.Random(arguments.seed))


def generate(folder, count, dice):
    sources, sheetjs, converted = [], [], {"xlsx": [], "xls": []}
    for index in range(count):
        sheets = book(dice, index)
        maker = ["openpyxl", "xlsxwriter", "sheetjs", "libreoffice", "openpyxl"][index % 5]
        path = folder / f"{index:03}-{maker}.xlsx"
        if maker == "openpyxl":
            write_openpyxl(path, sheets)
        elif maker == "xlsxwriter":
            write_xlsxwriter(path, sheets)
        elif maker == "sheetjs":
            sheetjs.append({"path": str(path), "sheets": sheets})
        else:
            kind = "xls" if index % 2 else "xlsx"
            # LibreOffice keeps 15 digits of a number: such a key is rejected here, and the CSV cannot tell.
            for row in (row for sheet in sheets for row in sheet["rows"]):
                row[0] = (str(row[0][0]), None)
            original = folder / "originals" / path.name
            original.parent.mkdir(exist_ok=True)
            write_openpyxl(original, sheets)
            converted[kind].append(str(original))
            path = path.with_suffix("." + kind)
        sources.append(path)
    specification = folder / "sheetjs.json"
    specification.write_text(json.dumps(sheetjs))
    subprocess.run(["node", HERE / "sheetjs.mjs", specification], check=True)
    for kind, files in converted.items():
        filters = {"xlsx": "xlsx:Calc MS Excel 2007 XML", "xls": "xls:MS Excel 97"}
        if files:
            soffice(folder / "profile", ["--convert-to", filters[kind], "--outdir", str(folder), *files])
    return sources


def compare(folder, count, dice):
    sources = generate(folder, count, dice)
    csv = folder / "csv"
    soffice(folder / "profile", ["--convert-to", CSV_FILTER, "--outdir", str(csv), *map(str, sources)])
    different = total = 0
    for source in sources:
        sheets = sorted(csv.glob(f"{source.stem}-*.csv"))
        sheets = [sheet for sheet in sheets if "통계" not in sheet.name]
        ours, answers = orders(folder, [source])
        theirs, others = orders(folder, sheets)
        if not ours or not theirs:
            different += 1
            print(f"{source.name}: {len(ours)} orders here, {len(theirs)} of {len(sheets)} CSV files", answers[:1], others[:1])
        for number in sorted(ours.keys() | theirs.keys()):
            here, there = ours.get(number), theirs.get(number)
            total += 1
            if here != there:
                different += 1
                values = {key: (here[key], there[key]) for key in COMPARED if here and there and here[key] != there[key]}
                print(f"{source.name} {number}: {values or ('only here' if here else 'only in the CSV')}")
    print(f"{len(sources)} files, {total} orders, {different} different")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())

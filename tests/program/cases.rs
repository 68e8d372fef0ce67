//! Files from other people's troubles (`tests/fixtures/cases`), imported on the command line: counts, what is told,
//! and the values that are stored.

use serde_json::Value;

use super::*;

/// A shop of one case.
struct Shop(TempDir);

impl Shop {
    fn new() -> Self {
        Self(tempdir().expect("a folder"))
    }

    /// Imports a file and returns the answer.
    fn import(&self, kind: &str, file: &str) -> Value {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases").join(file);
        let (_, out, error) = run(program(self.0.path()).args(["import", kind, "--json"]).arg(path));
        serde_json::from_str(&out).unwrap_or_else(|_| panic!("{file}: {out}{error}"))
    }

    /// Writes a file and imports it; returns the answer.
    fn import_text(&self, kind: &str, name: &str, text: &str, more: &[&str]) -> Value {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).expect("is written");
        let (_, out, error) = run(program(self.0.path()).args(["import", kind, "--json"]).arg(path).args(more));
        serde_json::from_str(&out).unwrap_or_else(|_| panic!("{name}: {out}{error}"))
    }

    /// Values of a field, by the last three digits of the order number.
    fn values(&self, field: &str) -> Vec<String> {
        let out = self.0.path().join("orders.json");
        let (code, _, error) = run(program(self.0.path()).args(["export", "orders", "--out"]).arg(&out));
        assert_eq!(code, Some(0), "{error}");
        let orders: Value = serde_json::from_str(&std::fs::read_to_string(out).expect("exported")).expect("JSON");
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut values: Vec<String> = orders
            .as_array()
            .expect("a list")
            .iter()
            .map(|order| {
                let number = text(&order["order_number"]);
                format!("{} {}", &number[number.len() - 3..], text(&order[field]))
            })
            .collect();
        values.sort();
        values
    }
}

/// Created, updated, skipped, rejected and ignored rows.
fn counts(answer: &Value) -> [u64; 5] {
    ["created", "updated", "skipped", "rejected", "ignored"]
        .map(|name| answer[name].as_u64().unwrap_or_else(|| panic!("{answer}")))
}

/// Asserts that every file of a folder creates so many orders and says nothing.
fn assert_created(folder: &str, orders: u64) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases").join(folder);
    for entry in std::fs::read_dir(path).expect("a folder") {
        let name = entry.expect("a file").file_name().into_string().expect("a name");
        let answer = Shop::new().import("orders", &format!("{folder}/{name}"));
        assert_eq!(counts(&answer), [orders, 0, 0, 0, 0], "{name}");
        assert!(answer["rows"].as_array().expect("rows").iter().all(|row| row["reasons"] == Value::Array(Vec::new())));
    }
}

#[test]
fn parts_are_found_by_relations_and_dimensions_ignored() {
    assert_created("01-workbook22", 2);
    assert_created("02-dimension-A0", 2);
}

#[test]
fn odd_cell_refuses_neither_row_nor_file() {
    assert_created("03-one-odd-cell", 3);
}

#[test]
fn other_containers_are_read() {
    assert_created("07-raw-biff", 2);
    assert_created("34-html-and-xml-xls", 2);
}

#[test]
fn guards_of_csv_are_removed() {
    for file in ["equals.csv", "equals-escaped.csv"] {
        let shop = Shop::new();
        assert_eq!(counts(&shop.import("orders", &format!("08-csv-equals-quoted/{file}"))), [2, 0, 0, 0, 0]);
        assert_eq!(shop.values("recipient_tel1"), ["001 010-0000-0001", "002 010-0000-0002"]);
        assert_eq!(shop.values("recipient_zip_code"), ["001 04524", "002 04524"]);
    }
    let shop = Shop::new();
    shop.import("orders", "08-csv-equals-quoted/orders.xlsx");
    assert_eq!(counts(&shop.import("tracking", "08-csv-equals-quoted/cj.csv")), [0, 2, 0, 0, 0]);
    assert_eq!(shop.values("tracking_number"), ["001 612345678900", "002 612345678901"]);
}

#[test]
fn exponent_is_no_key() {
    let shop = Shop::new();
    shop.import("orders", "09-csv-exponent-keys/orders.xlsx");
    for (kind, file, rows) in
        [("tracking", "cj.csv", 2), ("orders", "smartstore.csv", 2), ("orders", "DeliveryList.csv", 3)]
    {
        let answer = shop.import(kind, &format!("09-csv-exponent-keys/{file}"));
        assert_eq!(counts(&answer), [0, 0, 0, rows, 0], "{file}");
        assert!(answer.to_string().contains("지수"));
        assert_eq!(answer["rows"][0]["order_number"], "");
    }
}

#[test]
fn hidden_rows_and_all_visible_sheets_are_taken_and_told() {
    let answer = Shop::new().import("orders", "10-hidden-rows/filtered.xlsx");
    assert_eq!((counts(&answer), &answer["notes"][0]), ([4, 0, 0, 0, 0], &"숨긴 행 2개도 들어 있어요".into()));
    let answer = Shop::new().import("orders", "11-several-sheets/two-days.xlsx");
    assert_eq!(counts(&answer), [5, 0, 0, 0, 0]);
    assert_eq!(answer["notes"][0], "시트 2개를 읽었어요: 11월26일, 11월27일");
    let places: Vec<String> = answer["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| format!("{} {}", row["sheet"].as_str().unwrap_or_default(), row["row"]))
        .collect();
    assert_eq!(places, ["11월26일 2", "11월26일 3", "11월27일 2", "11월27일 3", "11월27일 4"]);
}

#[test]
fn dates_in_text_columns_are_what_the_sheet_shows() {
    let shop = Shop::new();
    assert_eq!(counts(&shop.import("orders", "12-date-cell-in-text/dates.xlsx")), [3, 0, 0, 0, 0]);
    assert_eq!(shop.values("recipient_address2"), ["001 3월 4일", "002 2층", "003 3층"]);
    assert_eq!(shop.values("recipient_name"), ["001 수취001", "002 수취002", "003 3월 4일"]);
    assert!(shop.values("options")[1].contains("3월 4일"));
}

#[test]
fn workbook_with_the_silent_password_opens_without_asking() {
    assert_eq!(counts(&Shop::new().import("orders", "13-velvet-sweatshop/readonly.xlsx")), [2, 0, 0, 0, 0]);
    for file in ["silent-rc4.xls", "silent-cryptoapi.xls"] {
        let answer = Shop::new().import("tracking", &format!("13-velvet-sweatshop/{file}"));
        assert_eq!(counts(&answer), [0, 0, 11, 2, 1], "{file}: no order is known");
    }
    let answer = Shop::new().import("tracking", "13-velvet-sweatshop/password-1234.xls");
    assert!(answer["refused"].as_str().is_some_and(|refused| refused.contains("비밀번호")), "{answer}");
}

#[test]
fn open_quote_swallows_no_line() {
    let shop = Shop::new();
    let answer = shop.import("orders", "15-csv-open-quote/open-quote.csv");
    assert_eq!(counts(&answer).iter().sum::<u64>(), 4, "every line is counted");
    assert_eq!(counts(&answer), [4, 0, 0, 0, 0]);
    assert_eq!(shop.values("customer_message")[1], "002 \"벨 누르지 마세요");
}

#[test]
fn telephones_of_every_kind_are_understood() {
    let shop = Shop::new();
    let answer = shop.import("orders", "17-phones/phones.xlsx");
    assert_eq!(counts(&answer), [20, 0, 0, 1, 0], "the masked number of a recipient is needed");
    assert_eq!(
        shop.values("recipient_tel1")[..13],
        [
            "001 +1-213-555-0100",
            "002 +81-90-1234-5678",
            "003 010-0000-0001",
            "004 010-0000-0001",
            "005 010-0000-0001",
            "006 010-0000-0001",
            "007 010-0000-0001",
            "009 010-0000-0001",
            "010 010-0000-0001",
            "011 010-0000-0001",
            "012 0303-000-0001",
            "013 030-0000-0001",
            "014 1588-0000",
        ]
    );
    let second = shop.values("recipient_tel2");
    assert_eq!(second.iter().filter(|value| value.len() > 4).collect::<Vec<_>>(), ["006 02-000-0001"]);
    let warned = answer["rows"].as_array().expect("rows").iter().filter(|row| row["outcome"] == "created");
    assert_eq!(warned.filter(|row| row["reasons"] != Value::Array(Vec::new())).count(), 7);
}

#[test]
fn merged_and_joined_cells_count_for_each_order() {
    for file in ["merged.xlsx", "joined.xlsx"] {
        let shop = Shop::new();
        shop.import("orders", "19-merged-tracking/orders.xlsx");
        assert_eq!(counts(&shop.import("tracking", &format!("19-merged-tracking/{file}")))[3], 0);
        assert_eq!(shop.values("tracking_number")[..2], ["001 612345678901", "002 612345678901"], "{file}");
    }
}

#[test]
fn one_number_for_different_people_is_a_conflict() {
    let shop = Shop::new();
    shop.import("orders", "20-duplicate-tracking/orders.xlsx");
    let answer = shop.import("tracking", "20-duplicate-tracking/same-number.xlsx");
    assert_eq!(counts(&answer), [0, 0, 0, 3, 0]);
    assert!(answer.to_string().contains("다른 수취인(수취002)"));
    assert_eq!(shop.values("tracking_number"), ["001 ", "002 ", "003 "]);
}

#[test]
fn amounts_never_reject_an_order() {
    let shop = Shop::new();
    assert_eq!(counts(&shop.import("orders", "23-money-negative/negative.xlsx")), [7, 0, 0, 0, 0]);
    assert_eq!(
        shop.values("price"),
        ["001 -1200", "002 -1200", "003 -1200", "004 0", "005 1201", "006 1200", "007 1200"]
    );
}

#[test]
fn number_that_a_spreadsheet_has_rounded_is_no_key() {
    let shop = Shop::new();
    shop.import("orders", "25-sixteenth-digit/orders.xlsx");
    for (kind, file) in [("tracking", "courier-resaved.xlsx"), ("orders", "orders-resaved.xlsx")] {
        let answer = shop.import(kind, &format!("25-sixteenth-digit/{file}"));
        assert_eq!(counts(&answer), [0, 0, 0, 3, 0], "{file}");
        assert!(answer.to_string().contains("15자리가 넘는 숫자"));
    }
    assert!(shop.values("tracking_number").iter().all(|value| value.len() == 4));
}

#[test]
fn couriers_get_the_names_of_the_channel() {
    let shop = Shop::new();
    shop.import("orders", "26-courier-names/orders.xlsx");
    let answer = shop.import("tracking", "26-courier-names/list.xlsx");
    assert_eq!(counts(&answer), [0, 11, 0, 0, 0]);
    assert_eq!(
        shop.values("courier"),
        [
            "001 로젠택배",
            "002 한진택배",
            "003 롯데택배",
            "004 우체국택배",
            "005 CJ대한통운",
            "006 CJ대한통운",
            "007 CJ대한통운",
            "008 로젠택배",
            "009 경동택배",
            "010 택배",
            "011 직접배송",
        ]
    );
    let unknown = answer["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .filter(|row| row["reasons"].to_string().contains("모르는 택배사"));
    assert_eq!(unknown.count(), 2);

    let file = shop.0.path().join("dispatch.xlsx");
    let (code, out, error) = run(program(shop.0.path()).args(["export", "dispatch", "--json", "--out"]).arg(&file));
    let answer: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{code:?} {out}{error}"));
    let names: Vec<_> =
        answer["unknown_courier"].as_array().expect("a list").iter().map(|line| &line["courier"]).collect();
    assert_eq!(names, ["택배", "직접배송"]);
}

#[test]
fn formats_and_zones_do_not_change_a_value() {
    let shop = Shop::new();
    assert_eq!(counts(&shop.import("orders", "29-strict-and-prefixes/iso-dates.xlsx")), [3, 0, 0, 0, 0]);
    for placed in shop.values("placed_at") {
        assert!(placed.ends_with("2026-11-27T10:00:00+09:00"), "{placed}");
    }
    let shop = Shop::new();
    assert_eq!(counts(&shop.import("orders", "29-strict-and-prefixes/number-formats.xlsx")), [6, 0, 0, 0, 0]);
    assert!(shop.values("quantity").iter().all(|quantity| quantity.ends_with(" 2")));
}

#[test]
fn first_filled_of_repeated_columns_counts_and_is_told() {
    let shop = Shop::new();
    let answer = shop.import("orders", "30-duplicate-headers/empty-first.xlsx");
    assert_eq!(counts(&answer), [2, 0, 0, 0, 0]);
    assert!(answer["notes"][0].as_str().is_some_and(|note| note.contains("수취인명")));
    assert_eq!(shop.values("recipient_name"), ["001 수취001", "002 수취002"]);
}

#[test]
fn parcels_of_one_order_are_all_kept() {
    for (file, order) in [("two-boxes.xlsx", "001"), ("two-in-cell.xlsx", "002")] {
        let shop = Shop::new();
        shop.import("orders", "24-split-parcels/orders.xlsx");
        let answer = shop.import("tracking", &format!("24-split-parcels/{file}"));
        assert_eq!(counts(&answer)[3], 0, "{answer}");
        assert!(shop.values("tracking_number").contains(&format!("{order} 612345678901, 612345678902")), "{file}");
        let again = shop.import("tracking", &format!("24-split-parcels/{file}"));
        assert_eq!((counts(&again)[1], counts(&again)[3]), (0, 0), "the same file changes nothing");
    }
}

#[test]
fn cancelled_order_is_not_counted_in_its_bundle() {
    let shop = Shop::new();
    shop.import("orders", "39-bundle-partial-return/orders.xlsx");
    assert_eq!(shop.values("bundle_count"), ["001 3", "002 3", "003 3"]);
    assert_eq!(counts(&shop.import("states", "39-bundle-partial-return/cancelled.xlsx"))[1], 2);
    assert_eq!(shop.values("bundle_count"), ["001 2", "002 2", "003 2"]);
    let out = shop.0.path().join("factory.json");
    let (_, _, error) = run(program(shop.0.path()).args(["export", "purchase-order", "--out"]).arg(&out));
    let ordered = std::fs::read_to_string(&out).unwrap_or_else(|_| panic!("{error}"));
    assert!(ordered.contains("2026112700000001") && !ordered.contains("2026112700000002"), "{ordered}");
}

/// Changes of a row of the answer: `quantity 3 2`.
fn changes(answer: &Value, row: usize) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let changes = answer["rows"][row]["changes"].as_array().unwrap_or_else(|| panic!("{answer}"));
    changes.iter().map(|one| [&one["field"], &one["old"], &one["new"]].map(text).join(" ")).collect()
}

#[test]
fn noon_download_changes_the_orders_of_the_morning_and_is_taken_back() {
    let shop = Shop::new();
    assert_eq!(counts(&shop.import("orders", "../21_morning.xlsx")), [5, 0, 0, 0, 0]);
    let morning = ["claim", "recipient_tel1", "quantity", "state"].map(|field| shop.values(field));
    let noon = shop.import("orders", "../21_noon.xlsx");
    assert_eq!(
        (counts(&noon), &noon["conflicts"], &noon["is_older_file"]),
        ([0, 5, 0, 0, 0], &0.into(), &false.into())
    );
    assert!(changes(&noon, 0).contains(&"claim  취소요청".to_owned()), "{noon}");
    assert!(changes(&noon, 1).iter().any(|change| change.starts_with("recipient_tel1 ")), "{noon}");
    assert!(changes(&noon, 2).contains(&"quantity 3 2".to_owned()), "{noon}");
    assert!(changes(&noon, 3).iter().any(|change| change.starts_with("state ")), "{noon}");
    assert_eq!(shop.values("claim")[0], "001 취소요청");

    let tracking = "상품주문번호,택배사,송장번호\n2026112700000001,로젠택배,45168300137\n";
    let held = shop.import_text("tracking", "송장.csv", tracking, &[]);
    assert!(counts(&held)[3] == 1 && held.to_string().contains("취소 요청이 들어온 주문"), "{held}");
    let despite = shop.import_text("tracking", "송장.csv", tracking, &["--despite-claim", "2026112700000001"]);
    assert_eq!((counts(&despite)[1], shop.values("tracking_number")[0].as_str()), (1, "001 45168300137"));
    let undo = |upload: &Value| {
        let number = upload["upload"].as_str().expect("a number");
        let (code, out, error) = run(program(shop.0.path()).args(["import", "undo", "--json", number]));
        (code, serde_json::from_str::<Value>(&out).unwrap_or_else(|_| panic!("{out}{error}")))
    };
    assert_eq!(undo(&despite).0, Some(0));

    let older = shop.import("orders", "../21_morning.xlsx");
    assert_eq!((counts(&older)[1], &older["is_older_file"]), (0, &true.into()));
    assert!(older["conflicts"].as_u64() > Some(0), "{older}");
    assert_eq!(shop.values("quantity")[2], "003 2", "the older file undoes nothing");
    undo(&older);
    let (code, undone) = undo(&noon);
    assert_eq!((code, &undone["restored"], &undone["kept"]), (Some(0), &5.into(), &0.into()), "{undone}");
    assert_eq!(["claim", "recipient_tel1", "quantity", "state"].map(|field| shop.values(field)), morning);
}

#[test]
fn orders_of_a_list_that_the_shop_mapped_follow_it() {
    let shop = Shop::new();
    shop.import("orders", "../21_morning.xlsx");
    let profile = shop.0.path().join("한마음몰.toml");
    let text = "kind = \"orders\"\ncode = \"SHOP_1\"\nname = \"한마음몰\"\nkey = [\"접수번호\"]\n\
                address = [[\"보낼 곳\"]]\nrequired = [\"recipient_name\", \"product_name\", \"quantity\", \"placed_at\"]\n\
                claim_headers = [\"진행\"]\n[columns]\nproduct_name = [\"품명\"]\nquantity = [\"개수\"]\n\
                recipient_name = [\"받는 사람\"]\nrecipient_tel1 = [\"받는 사람 전화\"]\nplaced_at = [\"접수한 때\"]\n\
                claim = [\"진행\"]\n[[changes]]\nchange = \"nothing\"\nwords = [\"접수\"]\n\
                [[changes]]\nchange = \"set_claim\"\nwords = [\"취소요청\"]\n";
    std::fs::write(&profile, text).expect("is written");
    let (code, _, error) = run(program(shop.0.path()).args(["profile", "add"]).arg(&profile));
    assert_eq!(code, Some(0), "{error}");
    let list = |quantity: u8, word: &str| {
        format!(
            "접수번호,품명,개수,받는 사람,받는 사람 전화,보낼 곳,접수한 때,진행\n\
             H-20261127-1,예시 침대,{quantity},김견본,010-0000-0901,서울특별시 중구 세종대로 110,2026-11-27 09:00,접수\n\
             H-20261127-2,예시 침대,1,이견본,010-0000-0902,서울특별시 중구 세종대로 110,2026-11-27 09:10,{word}\n"
        )
    };
    assert_eq!(counts(&shop.import_text("orders", "아침.csv", &list(2, "접수"), &[]))[0], 2);
    let noon = shop.import_text("orders", "점심.csv", &list(1, "취소요청"), &[]);
    assert_eq!((counts(&noon)[1], changes(&noon, 1)), (2, vec!["claim  취소요청".to_owned()]));
    assert!(changes(&noon, 0).contains(&"quantity 2 1".to_owned()), "{noon}");
}

#[test]
fn files_of_the_command_line_are_remembered_as_sent() {
    let shop = Shop::new();
    shop.import("orders", "39-bundle-partial-return/orders.xlsx");
    let file = shop.0.path().join("factory.xlsx");
    let export = |flags: &[&str]| {
        let command = ["export", "purchase-order", "--json", "--out"];
        let (code, out, error) = run(program(shop.0.path()).args(command).arg(&file).args(flags));
        let answer: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{code:?} {out}{error}"));
        (answer["rows"].as_u64(), answer["already_sent"].as_u64())
    };
    assert_eq!(export(&["--unsent"]), (Some(3), Some(0)));
    assert_eq!(export(&["--unsent"]), (Some(0), Some(3)), "the second batch has nothing of the first");
    assert_eq!(export(&[]), (Some(3), Some(0)), "without the flag all are exported");
}

//! Catalogue of the synthetic shop: a bed maker's products and their options.

/// Option of a catalogue item with its possible values.
#[derive(Clone, Copy, Debug)]
pub struct CatalogueOption {
    /// Option key: 색상.
    pub key: &'static str,
    /// Option values: 아이보리, ….
    pub values: &'static [&'static str],
}

/// Product of the synthetic shop.
#[derive(Clone, Copy, Debug)]
pub struct CatalogueItem {
    /// 판매자 상품코드.
    pub number: &'static str,
    /// 상품명.
    pub name: &'static str,
    /// Price in won.
    pub price: u32,
    /// Too big for a courier: delivered by the own team.
    pub is_bulky: bool,
    /// Options in the order of 옵션정보.
    pub options: &'static [CatalogueOption],
}

const FRAME_SIZE: CatalogueOption = CatalogueOption {
    key: "사이즈",
    values: &["슈퍼싱글(1100x2000)", "퀸(1500x2000)", "킹(1650x2000)", "라지킹(1800x2000)"],
};
const MATTRESS_SIZE: CatalogueOption =
    CatalogueOption { key: "사이즈", values: &["싱글", "슈퍼싱글", "퀸", "킹"] };
const WOOD: CatalogueOption =
    CatalogueOption { key: "색상", values: &["내추럴", "월넛", "화이트", "애쉬그레이"] };
const CLOTH: CatalogueOption =
    CatalogueOption { key: "색상", values: &["아이보리", "그레이", "브라운", "차콜", "올리브"] };
const HEAD: CatalogueOption = CatalogueOption { key: "헤드", values: &["없음", "평헤드", "수납헤드"] };
const FIRMNESS: CatalogueOption =
    CatalogueOption { key: "경도", values: &["부드러운 타입", "중간 타입", "단단한 타입"] };
const FABRIC: CatalogueOption =
    CatalogueOption { key: "원단", values: &["패브릭", "아쿠아텍스", "패브릭 / 아쿠아텍스 혼방"] };
const LEGS: CatalogueOption = CatalogueOption { key: "다리", values: &["우드", "스틸"] };
const LADDER: CatalogueOption = CatalogueOption { key: "사다리차", values: &["불필요", "필요"] };
const OLD_BED: CatalogueOption = CatalogueOption { key: "기존 침대 수거", values: &["안 함", "수거 요청"] };

/// All products; the best sellers first.
pub const CATALOGUE: &[CatalogueItem] = &[
    CatalogueItem {
        number: "BED-LOW",
        name: "예시공방 저상형 원목 침대 프레임",
        price: 317_000,
        is_bulky: true,
        options: &[FRAME_SIZE, WOOD, HEAD],
    },
    CatalogueItem {
        number: "BED-STORAGE",
        name: "예시공방 서랍형 수납 침대 프레임",
        price: 489_000,
        is_bulky: true,
        options: &[FRAME_SIZE, WOOD, HEAD, LADDER],
    },
    CatalogueItem {
        number: "MAT-POCKET",
        name: "예시침구 독립스프링 매트리스",
        price: 398_000,
        is_bulky: true,
        options: &[MATTRESS_SIZE, FIRMNESS, OLD_BED],
    },
    CatalogueItem {
        number: "MAT-FOAM",
        name: "예시침구 양면 메모리폼 매트리스",
        price: 259_000,
        is_bulky: true,
        options: &[MATTRESS_SIZE, FIRMNESS],
    },
    CatalogueItem {
        number: "MAT-LATEX",
        name: "예시침구 천연 라텍스 매트리스",
        price: 569_000,
        is_bulky: true,
        options: &[MATTRESS_SIZE],
    },
    CatalogueItem {
        number: "BED-FAMILY",
        name: "예시공방 패밀리 침대 세트",
        price: 879_000,
        is_bulky: true,
        options: &[FRAME_SIZE, WOOD, LADDER],
    },
    CatalogueItem {
        number: "BED-KIDS",
        name: "예시공방 어린이 안전가드 침대",
        price: 352_000,
        is_bulky: true,
        options: &[WOOD, HEAD],
    },
    CatalogueItem {
        number: "BED-BUNK",
        name: "예시공방 원목 이층 침대",
        price: 698_000,
        is_bulky: true,
        options: &[WOOD, LADDER],
    },
    CatalogueItem {
        number: "SOFA-3",
        name: "예시공방 린넨 3인 소파",
        price: 489_000,
        is_bulky: true,
        options: &[FABRIC, CLOTH, LEGS],
    },
    CatalogueItem {
        number: "SOFA-4",
        name: "예시공방 카우치 4인 소파",
        price: 749_000,
        is_bulky: true,
        options: &[FABRIC, CLOTH, LEGS, LADDER],
    },
    CatalogueItem {
        number: "TABLE-4",
        name: "예시공방 4인 원목 식탁",
        price: 279_000,
        is_bulky: true,
        options: &[WOOD, LEGS],
    },
    CatalogueItem {
        number: "DRESSER",
        name: "예시공방 5단 원목 서랍장",
        price: 233_000,
        is_bulky: true,
        options: &[WOOD],
    },
    CatalogueItem {
        number: "PILLOW", name: "예시침구 경추 베개", price: 29_000, is_bulky: false, options: &[CLOTH]
    },
    CatalogueItem {
        number: "TOPPER",
        name: "예시침구 항균 마이크로 토퍼",
        price: 59_000,
        is_bulky: false,
        options: &[MATTRESS_SIZE],
    },
    CatalogueItem {
        number: "PAD",
        name: "예시침구 방수 매트리스 패드",
        price: 34_900,
        is_bulky: false,
        options: &[MATTRESS_SIZE, CLOTH],
    },
    CatalogueItem {
        number: "COVER",
        name: "예시침구 순면 매트리스 커버",
        price: 42_000,
        is_bulky: false,
        options: &[MATTRESS_SIZE, CLOTH],
    },
    CatalogueItem {
        number: "DUVET",
        name: "예시침구 사계절 차렵이불",
        price: 79_000,
        is_bulky: false,
        options: &[MATTRESS_SIZE, CLOTH],
    },
    CatalogueItem {
        number: "SIDE-TABLE",
        name: "예시공방 원목 협탁",
        price: 68_000,
        is_bulky: false,
        options: &[WOOD],
    },
    CatalogueItem {
        number: "BOLT-KIT",
        name: "예시공방 침대 조립 부속 세트",
        price: 9_000,
        is_bulky: false,
        options: &[],
    },
    CatalogueItem { number: "SWATCH", name: "예시공방 원단 샘플북", price: 0, is_bulky: false, options: &[] },
];

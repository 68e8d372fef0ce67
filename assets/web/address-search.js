// The page inside the page that searches for addresses. It tells the page around it what was found,
// or that the service cannot be reached.

const SERVICE = "https://t1.kakaocdn.net/mapjsapi/bundle/postcode/prod/postcode.v2.js";
const PATIENCE_MS = 8000;

const tell = (message) => parent.postMessage(message, location.origin);
const place = document.getElementById("postcode");

// The road address, and in brackets what people know the house by.
const told = (found) => {
  const address = found.userSelectedType === "J" ? found.jibunAddress : found.roadAddress;
  const known = [/[동로가]$/.test(found.bname ?? "") && found.bname, found.apartment === "Y" && found.buildingName];
  const brackets = known.filter(Boolean).join(", ");
  const first = address || found.address;
  return { zip: found.zonecode, address: brackets && found.userSelectedType !== "J" ? `${first} (${brackets})` : first };
};

const unreachable = () => tell({ unreachable: true });
const script = document.createElement("script");
const late = setTimeout(unreachable, PATIENCE_MS);
script.src = SERVICE;
script.onerror = () => { clearTimeout(late); unreachable(); };
script.onload = () => {
  clearTimeout(late);
  const Postcode = window.kakao?.Postcode ?? window.daum?.Postcode;
  if (!Postcode) { unreachable(); return; }
  place.replaceChildren();
  new Postcode({ oncomplete: (found) => tell(told(found)), width: "100%", height: "100%" }).embed(place, { autoClose: false });
};
document.head.append(script);

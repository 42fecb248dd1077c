-- Puts digests of answers into the access log: of the whole body, and of each field of a JSON body. No value leaves
-- the proxy: every digest has a secret key and the request's id in it, so that only answers to the same request can
-- be compared. docs/answers.md tells what is written, and tests/answers/oracle.py says the same in Python.
--
-- rendering/answer_digests.py writes the settings above: KEY (32 hexadecimal digits), ONE_OF (of so many requests one
-- is looked at), MOST_JSON (bytes of the largest body that is read as JSON), HIDDEN (are names of fields hidden?) and
-- METHODS (those that are copied; nil: all). Every loop has a bound, as a worker of the proxy waits for it.

local found, ffi = pcall(require, "ffi")
local compiles, jit = pcall(require, "jit")
if not (found and compiles and jit.status()) then
  return -- interpreted, it would take milliseconds a request
end

local bit, cleared = require("bit"), require("table.clear")
local band, bor, bxor, rol, shr, tobit, tohex = bit.band, bit.bor, bit.bxor, bit.rol, bit.rshift, bit.tobit, bit.tohex
local bytes_t, whole_t, half_t = ffi.typeof("const uint8_t*"), ffi.typeof("const uint64_t*"), ffi.typeof("const int32_t*")

local NAMESPACE = "mirrored-service"
local MOST_RAW = 1048576 -- bytes of a body, of whatever kind
local MOST_ID = 128 -- bytes of a request id
local MOST_DEPTH = 64
local MOST_DIGITS = 400 -- of a fraction
local MOST_PATHS = 512 -- different ones in a body
local MOST_FIELDS = 64 -- of them that are told one by one
local MOST_HEADERS = 24
local MOST_KEY, MOST_NAME = 40, 160 -- letters
local MOST_NAMES = 4096 -- that are remembered between requests
local PIECE = 16384 -- bytes that are taken over from the proxy at a time

-- SipHash-1-3: 64 bits, of text that may come in pieces ---------------------------------------------------------------

local function number_of(digits)
  return tonumber(digits:sub(1, 8), 16) * 0x100000000ULL + tonumber(digits:sub(9, 16), 16)
end

local state_t = ffi.typeof("struct { uint64_t v0, v1, v2, v3; }")
local last = ffi.new("uint64_t[1]")
local last_bytes, last_whole = ffi.cast("uint8_t*", last), ffi.cast(whole_t, last)
local nothing = ffi.new("uint64_t[3]")

local function begin(k0, k1)
  return state_t(
    bxor(k0, 0x736f6d6570736575ULL), bxor(k1, 0x646f72616e646f6dULL),
    bxor(k0, 0x6c7967656e657261ULL), bxor(k1, 0x7465646279746573ULL)
  )
end

local function take(state, words, number)
  local v0, v1, v2, v3 = state.v0, state.v1, state.v2, state.v3
  for place = 0, number - 1 do
    local word = words[place]
    v3 = bxor(v3, word)
    v0 = v0 + v1; v1 = bxor(rol(v1, 13), v0); v0 = rol(v0, 32)
    v2 = v2 + v3; v3 = bxor(rol(v3, 16), v2)
    v0 = v0 + v3; v3 = bxor(rol(v3, 21), v0)
    v2 = v2 + v1; v1 = bxor(rol(v1, 17), v2); v2 = rol(v2, 32)
    v0 = bxor(v0, word)
  end
  state.v0, state.v1, state.v2, state.v3 = v0, v1, v2, v3
end

-- The end: `rest` is what did not fill a word, of text of `total` bytes.
local function finish(state, rest, total)
  last[0] = 0
  ffi.copy(last_bytes, rest, #rest)
  last_bytes[7] = total % 256
  take(state, last_whole, 1)
  state.v2 = bxor(state.v2, 0xffULL)
  take(state, ffi.cast(whole_t, nothing), 3)
  return bxor(bxor(state.v0, state.v1), bxor(state.v2, state.v3))
end

local function sip(k0, k1, text)
  local state, words = begin(k0, k1), shr(#text, 3)
  take(state, ffi.cast(whole_t, text), words)
  return finish(state, text:sub(words * 8 + 1), #text)
end

local function halves(number)
  return tobit(tonumber(band(number, 0xffffffffULL))), tobit(tonumber(number / 0x100000000ULL))
end

-- HalfSipHash-1-3: 32 bits, of bytes from `from` until before `to` -----------------------------------------------------

local function round(v0, v1, v2, v3)
  v0 = tobit(v0 + v1); v1 = bxor(rol(v1, 5), v0); v0 = rol(v0, 16)
  v2 = tobit(v2 + v3); v3 = bxor(rol(v3, 8), v2)
  v0 = tobit(v0 + v3); v3 = bxor(rol(v3, 7), v0)
  v2 = tobit(v2 + v1); v1 = bxor(rol(v1, 13), v2); v2 = rol(v2, 16)
  return v0, v1, v2, v3
end

local function half_sip(k0, k1, bytes, from, to)
  local v0, v1, v2, v3 = k0, k1, bxor(k0, 0x6c796765), bxor(k1, 0x74656462)
  local length = to - from
  while from + 4 <= to do
    local word = ffi.cast(half_t, bytes + from)[0]
    v3 = bxor(v3, word)
    v0, v1, v2, v3 = round(v0, v1, v2, v3)
    v0 = bxor(v0, word)
    from = from + 4
  end
  local word = rol(band(length, 255), 24)
  if from < to then word = bor(word, bytes[from]) end
  if from + 1 < to then word = bor(word, rol(bytes[from + 1], 8)) end
  if from + 2 < to then word = bor(word, rol(bytes[from + 2], 16)) end
  v3 = bxor(v3, word)
  v0, v1, v2, v3 = round(v0, v1, v2, v3)
  v0, v2 = bxor(v0, word), bxor(v2, 255)
  v0, v1, v2, v3 = round(v0, v1, v2, v3)
  v0, v1, v2, v3 = round(v0, v1, v2, v3)
  v0, v1, v2, v3 = round(v0, v1, v2, v3)
  return bxor(v1, v3)
end

-- Two numbers of 32 bits as one. Not secret: what goes in is.
local function mix(a, b)
  local v0, v1, v2, v3 = round(a, b, 0x6c796765, 0x74656462)
  v0, v1, v2, v3 = round(v0, v1, v2, v3)
  return bxor(bxor(v0, v1), bxor(v2, v3))
end

local K0, K1 = number_of(KEY:sub(1, 16)), number_of(KEY:sub(17, 32))
local NAME0, NAME1 = halves(sip(K0, K1, "names")) -- of names: the same for every request

-- JSON -----------------------------------------------------------------------------------------------------------------

local ANY, ITEMS, LONG = 0x2a, 0x5b5d, 0x2e -- of paths: any key, the items of an array, a name that is too long
local OBJECT, ARRAY = 0x7b, 0x5b
local NUMBER, STRING, BOOL, NULL, UUID, TIME, HEX = 110, 115, 98, 122, 117, 116, 104 -- n s b z u t h
local NO_ITEMS, NO_KEYS, MIXED = 97, 111, 109 -- a o m
local VALUE, VALUE_OR_END, KEY_OR_END, NEXT_KEY, COLON, AFTER, OVER = 1, 2, 3, 4, 5, 6, 7

local names, named = {[0] = "$"}, 1 -- by path, a number
local sums, kinds, paths = {}, {}, 0 -- of this body, by path
local is_array, path_of, key_of, ordered_of, any_order_of, size_of = {}, {}, {}, {}, {}, {} -- by depth
local decoded = ffi.new("uint8_t[?]", MOST_JSON + 8)
local double = ffi.new("double[1]")
local double_bytes = ffi.cast(bytes_t, double)

local function is_digit(c) return c >= 48 and c <= 57 end
local function is_hex(c) return c >= 48 and c <= 57 or c >= 97 and c <= 102 or c >= 65 and c <= 70 end
local function hex_value(c) return c <= 57 and c - 48 or band(c, 223) - 55 end

-- The code of four hexadecimal digits; nil if they are none.
local function code(p, at, to)
  if at + 4 > to or not (is_hex(p[at]) and is_hex(p[at + 1]) and is_hex(p[at + 2]) and is_hex(p[at + 3])) then
    return nil
  end
  return hex_value(p[at]) * 4096 + hex_value(p[at + 1]) * 256 + hex_value(p[at + 2]) * 16 + hex_value(p[at + 3])
end

local PLAIN_ESCAPES = {[34] = 34, [92] = 92, [47] = 47, [98] = 8, [102] = 12, [110] = 10, [114] = 13, [116] = 9}

-- Writes a string without its escapes to `decoded`; its length, nil for an escape that JSON does not have. Half of a
-- pair of surrogates stays one, in the three bytes that its code has.
local function decode(p, from, to)
  local size = 0
  while from < to do
    local c = p[from]
    if c ~= 92 then
      decoded[size] = c; size = size + 1; from = from + 1
    elseif p[from + 1] ~= 117 then
      local plain = PLAIN_ESCAPES[p[from + 1]]
      if not plain then return nil end
      decoded[size] = plain; size = size + 1; from = from + 2
    else
      local point = code(p, from + 2, to)
      if not point then return nil end
      from = from + 6
      if point >= 0xd800 and point < 0xdc00 and from + 6 <= to and p[from] == 92 and p[from + 1] == 117 then
        local second = code(p, from + 2, to)
        if second and second >= 0xdc00 and second < 0xe000 then
          point = 0x10000 + (point - 0xd800) * 1024 + second - 0xdc00
          from = from + 6
        end
      end
      if point < 0x80 then
        decoded[size] = point; size = size + 1
      elseif point < 0x800 then
        decoded[size] = 192 + shr(point, 6); decoded[size + 1] = 128 + band(point, 63); size = size + 2
      elseif point < 0x10000 then
        decoded[size] = 224 + shr(point, 12); decoded[size + 1] = 128 + band(shr(point, 6), 63)
        decoded[size + 2] = 128 + band(point, 63); size = size + 3
      else
        decoded[size] = 240 + shr(point, 18); decoded[size + 1] = 128 + band(shr(point, 12), 63)
        decoded[size + 2] = 128 + band(shr(point, 6), 63); decoded[size + 3] = 128 + band(point, 63); size = size + 4
      end
    end
  end
  return size
end

-- What a string looks like.
local function kind_of(p, from, to)
  local size = to - from
  if size >= 19 and size <= 35 and p[from + 4] == 45 and p[from + 7] == 45 and p[from + 13] == 58
    and p[from + 16] == 58 and (p[from + 10] == 84 or p[from + 10] == 32)
    and is_digit(p[from]) and is_digit(p[from + 3]) and is_digit(p[from + 18]) then
    return TIME
  end
  if size < 16 or size > 128 then return STRING end
  local dashes = size == 36 and p[from + 8] == 45 and p[from + 13] == 45 and p[from + 18] == 45 and p[from + 23] == 45
  for place = from, to - 1 do
    if not is_hex(p[place]) and not (dashes and p[place] == 45) then return STRING end
  end
  return dashes and UUID or HEX
end

-- May a key be told? Not if it looks like an id, which is a value: `*` stands for it.
local function is_name(p, from, to)
  local size, digits = to - from, 0
  if size == 0 or size > MOST_KEY or is_digit(p[from]) then return false end
  for place = from, to - 1 do
    local c = p[place]
    if is_digit(c) then digits = digits + 1
    elseif not (c >= 97 and c <= 122 or c >= 65 and c <= 90 or c == 95 or c == 45) then return false end
  end
  return digits <= 3
end

local function name(path, parent, part)
  if HIDDEN then
    names[path] = "#" .. tohex(path)
  else
    local whole = names[parent] .. part
    names[path] = #whole <= MOST_NAME and whole or "$.." .. tohex(path)
  end
  named = named + 1
end

-- The end of a number that begins at `at`, whether it has only digits, and how many its exponent has; nil if it is
-- none.
local function number_end(p, at, size)
  if p[at] == 45 then at = at + 1 end
  if at >= size or not is_digit(p[at]) then return nil end
  if p[at] == 48 then at = at + 1
  else
    while at < size and is_digit(p[at]) do at = at + 1 end
  end
  local whole, exponent = true, 0
  if at < size and p[at] == 46 then
    whole, at = false, at + 1
    if at >= size or not is_digit(p[at]) then return nil end
    while at < size and is_digit(p[at]) do at = at + 1 end
  end
  if at < size and (p[at] == 101 or p[at] == 69) then
    whole, at = false, at + 1
    if at < size and (p[at] == 43 or p[at] == 45) then at = at + 1 end
    if at >= size or not is_digit(p[at]) then return nil end
    while at < size and is_digit(p[at]) do at, exponent = at + 1, exponent + 1 end
  end
  return at, whole, exponent
end

-- Numbers by their value: 1, 1.0 and 1e0 are the same. By their digits those that a double cannot hold, and those that
-- Lua does not read.
local function number_hash(p, from, to, whole, exponent, k0, k1)
  local minus = p[from] == 45
  local first = minus and from + 1 or from
  local value = 0
  if to - first > (whole and 15 or MOST_DIGITS) or exponent > 4 then
    return half_sip(k0, bxor(k1, NUMBER), p, from, to)
  elseif not whole then
    value = tonumber(ffi.string(p + from, to - from))
  else
    for place = first, to - 1 do value = value * 10 + p[place] - 48 end
    if minus then value = -value end
  end
  double[0] = value == 0 and 0 or value
  return half_sip(k0, bxor(k1, NUMBER), double_bytes, 0, 8)
end

local function spells(p, at, size, word)
  if at + #word > size then return false end
  for place = 1, #word do
    if p[at + place - 1] ~= word:byte(place) then return false end
  end
  return true
end

-- Fills `sums` and `kinds`, and returns a digest with the keys of objects in any order, and one with the items of
-- arrays in any order too. nil and why, if the body is not read as JSON.
local function walk(p, size, k0, k1)
  if named > MOST_NAMES then
    cleared(names); names[0] = "$"; named = 1
  end
  cleared(sums); cleared(kinds)
  paths = 0
  local at, depth, path, key, expected = 0, 0, 0, 0, VALUE
  local ordered, any_order = 0, 0 -- of the value that has just ended
  while at < size do
    local c = p[at]
    local ended, kind = false, nil
    if c == 32 or c == 10 or c == 13 or c == 9 then
      at = at + 1
    elseif expected == AFTER and c == 44 then
      expected = is_array[depth] and VALUE or NEXT_KEY
      at = at + 1
    elseif expected == COLON then
      if c ~= 58 then return nil, "broken" end
      expected = VALUE
      at = at + 1
    elseif (c == 125 or c == 93) and (expected == AFTER or expected == VALUE_OR_END or expected == KEY_OR_END) then
      if is_array[depth] ~= (c == 93) then return nil, "broken" end
      local mark = c == 93 and ARRAY or OBJECT
      local items = size_of[depth]
      ordered, any_order = mix(mix(ordered_of[depth], mark), items), mix(mix(any_order_of[depth], mark), items)
      path, key = path_of[depth], key_of[depth]
      depth = depth - 1
      at = at + 1
      if items == 0 then
        kind = c == 93 and NO_ITEMS or NO_KEYS
        ordered = mix(bxor(k0, kind), k1)
        any_order = ordered
      end
      ended = true
    elseif c == 34 then
      local from = at + 1
      local to, escaped = from, false
      while true do
        if to >= size then return nil, "broken" end
        local letter = p[to]
        if letter == 34 then break end
        if letter < 32 then return nil, "broken" end
        if letter == 92 then
          escaped = true
          to = to + 1
        end
        to = to + 1
      end
      at = to + 1
      local text = p
      if escaped then
        local length = decode(p, from, to)
        if not length then return nil, "broken" end
        text, from, to = decoded, 0, length
      end
      if expected == KEY_OR_END or expected == NEXT_KEY then
        local parent = path_of[depth]
        key = half_sip(NAME0, NAME1, text, from, to)
        local told = is_name(text, from, to)
        path = mix(parent, told and key or ANY)
        if not names[path] then
          name(path, parent, told and "." .. ffi.string(text + from, to - from) or ".*")
        end
        expected = COLON
      elseif expected == VALUE or expected == VALUE_OR_END then
        kind = kind_of(text, from, to)
        ordered = half_sip(k0, bxor(k1, STRING), text, from, to)
        any_order, ended = ordered, true
      else
        return nil, "broken"
      end
    elseif expected ~= VALUE and expected ~= VALUE_OR_END then
      return nil, "broken"
    elseif c == 123 or c == 91 then
      if depth == MOST_DEPTH then return nil, "deep" end
      depth = depth + 1
      is_array[depth], path_of[depth], key_of[depth] = c == 91, path, key
      ordered_of[depth], any_order_of[depth], size_of[depth] = 0, 0, 0
      if c == 91 then
        local items = mix(path, ITEMS)
        if not names[items] then name(items, path, "[]") end
        path, expected = items, VALUE_OR_END
      else
        expected = KEY_OR_END
      end
      at = at + 1
    elseif c == 45 or is_digit(c) then
      local to, whole, exponent = number_end(p, at, size)
      if not to then return nil, "broken" end
      kind = NUMBER
      ordered = number_hash(p, at, to, whole, exponent, k0, k1)
      any_order, ended, at = ordered, true, to
    else
      local word = c == 116 and "true" or c == 102 and "false" or c == 110 and "null"
      if not word or not spells(p, at, size, word) then return nil, "broken" end
      kind = c == 110 and NULL or BOOL
      ordered = half_sip(k0, bxor(k1, kind), p, at, at + #word)
      any_order, ended, at = ordered, true, at + #word
    end
    if ended then
      if kind then
        local sum = sums[path]
        if not sum then
          paths = paths + 1
          if paths > MOST_PATHS then return nil, "wide" end
          sums[path], kinds[path] = mix(path, ordered), kind
        else
          sums[path] = tobit(sum + mix(path, ordered))
          if kinds[path] ~= kind then kinds[path] = MIXED end
        end
      end
      if depth == 0 then expected = OVER
      else
        size_of[depth] = size_of[depth] + 1
        if is_array[depth] then
          ordered_of[depth] = mix(ordered_of[depth], ordered)
          any_order_of[depth] = tobit(any_order_of[depth] + mix(any_order, ITEMS))
          path = mix(path_of[depth], ITEMS)
        else
          ordered_of[depth] = tobit(ordered_of[depth] + mix(key, ordered))
          any_order_of[depth] = tobit(any_order_of[depth] + mix(key, any_order))
        end
        expected = AFTER
      end
    end
  end
  if expected ~= OVER then return nil, "broken" end
  return mix(mix(ordered, k0), k1), mix(mix(any_order, k0), k1)
end

-- Appends every field to `list`, sorted; what is beyond the most that are told is one entry, "~" and the last name.
local function tell_fields(list)
  local own, number = {}, 0
  for path in pairs(sums) do
    number = number + 1
    own[number] = path
  end
  table.sort(own, function(a, b) return names[a] < names[b] end)
  local told = number > MOST_FIELDS and MOST_FIELDS - 1 or number
  for place = 1, told do
    local path = own[place]
    list[#list + 1] = names[path] .. "=" .. string.char(kinds[path]) .. tohex(sums[path])
  end
  if told < number then
    local rest = 0
    for place = told + 1, number do rest = tobit(rest + sums[own[place]]) end
    list[#list + 1] = "~" .. names[own[told]] .. "=m" .. tohex(rest)
  end
end

-- Headers --------------------------------------------------------------------------------------------------------------

local PASSED_OVER = { -- they follow from the body, or from when and where it was sent
  [":status"] = true, age = true, connection = true, ["content-length"] = true, date = true, etag = true, expires = true,
  ["keep-alive"] = true, ["last-modified"] = true, server = true, ["set-cookie"] = true, traceparent = true,
  ["transfer-encoding"] = true, ["x-request-id"] = true,
}

local function tell_headers(headers, list, k0, k1)
  local of_name, number = {}, 0
  for header, value in pairs(headers) do
    if not PASSED_OVER[header] and header:sub(1, 8) ~= "x-envoy-" then
      if not of_name[header] then number = number + 1 end
      if number > MOST_HEADERS then break end
      local hash = half_sip(k0, bxor(k1, STRING), ffi.cast(bytes_t, value), 0, #value)
      of_name[header] = tobit((of_name[header] or 0) + hash)
    end
  end
  local sum = 0
  for header, hash in pairs(of_name) do
    local told = not header:find("[^%w_-]") and #header <= MOST_KEY and header or "*"
    list[#list + 1] = "@" .. told .. "=s" .. tohex(hash)
    local named_by = half_sip(NAME0, NAME1, ffi.cast(bytes_t, header), 0, #header)
    sum = tobit(sum + mix(named_by, hash))
  end
  table.sort(list)
  return tohex(sum)
end

-- What the proxy calls --------------------------------------------------------------------------------------------------

-- Tracing rewrites the 15th letter of a uuid.
local function id_of(text)
  return #text == 36 and text:sub(1, 14) .. text:sub(16) or text
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local id = headers:get("x-request-id")
  if not id or id == "" or #id > MOST_ID or METHODS and not METHODS[headers:get(":method")] then return end
  if tonumber(sip(K0, K1, id_of(id)) % ONE_OF) == 0 then
    handle:streamInfo():dynamicMetadata():set(NAMESPACE, "request", id)
  end
end

-- The digest of a body, while it passes by; with `keep` the body too, unless it is larger than MOST_JSON.
local function read(handle, k0, k1, keep)
  local state, total, rest, kept = begin(k0, k1), 0, "", keep and {} or nil
  for chunk in handle:bodyChunks() do
    local size, from = chunk:length(), 0
    while from < size do
      local piece = chunk:getBytes(from, math.min(size - from, PIECE))
      from, total = from + #piece, total + #piece
      if total > MOST_RAW then return nil, total end
      if kept then
        if total > MOST_JSON then kept = nil else kept[#kept + 1] = piece end
      end
      if rest ~= "" then
        piece = rest .. piece
      end
      local words = shr(#piece, 3)
      take(state, ffi.cast(whole_t, piece), words)
      rest = piece:sub(words * 8 + 1)
    end
  end
  return finish(state, rest, total), total, kept
end

local function json_digests(kept, k0, k1)
  local body = table.concat(kept)
  return walk(ffi.cast(bytes_t, body), #body, k0, k1)
end

function envoy_on_response(handle)
  local chosen = handle:streamInfo():dynamicMetadata():get(NAMESPACE)
  if not chosen or not chosen.request then return end
  local id = id_of(chosen.request)
  local raw0, raw1 = sip(K0, K1, id .. "\1"), sip(K0, K1, id .. "\2")
  local k0, k1 = halves(sip(K0, K1, id .. "\3"))

  local headers, list = handle:headers(), {}
  local type = (headers:get("content-type") or ""):lower()
  local of_headers = tell_headers(headers, list, k0, k1)
  local status = headers:get(":status")
  local what, digests
  if type:find("^application/grpc") then what = "grpc"
  elseif status == "101" or type:find("^text/event%-stream") then what = "stream"
  else
    local coding = headers:get("content-encoding")
    local packed = coding and coding ~= "" and coding:lower() ~= "identity"
    local is_json = not packed and type:find("json", 1, true) and not type:find("json-seq", 1, true)
      and not type:find("ndjson", 1, true) and not type:find("jsonl", 1, true)
    local raw, total, kept = read(handle, raw0, raw1, is_json)
    if not raw then what = "huge"
    else
      digests = bit.tohex(raw, 16)
      if total == 0 then what = "empty"
      elseif packed then what = "packed"
      elseif not is_json then what = "other"
      elseif not kept then what = "large"
      else
        local fine, ordered, any_order = pcall(json_digests, kept, k0, k1)
        if not fine then what = "failed"
        elseif not ordered then what = any_order
        else
          what = "json"
          digests = digests .. " " .. tohex(ordered) .. " " .. tohex(any_order)
          tell_fields(list)
        end
      end
    end
  end
  -- What the proxy has lent before the body was read is gone by now.
  local metadata = handle:streamInfo():dynamicMetadata()
  metadata:set(NAMESPACE, "digest", what .. " " .. of_headers .. (digests and " " .. digests or ""))
  metadata:set(NAMESPACE, "fields", table.concat(list, " "))
end

-- @noindex
-- One message as one line of JSON: an array of an address and its arguments. What is read stays data: it is taken
-- apart character by character, and nothing of it is ever handed to load() or its like.

local line = {}

local ESCAPES = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }
local PLAIN = '^([^"\\\0-\31]*)()' -- JSON's own control characters, not the locale's
local WORDS = { ["true"] = true, ["false"] = false }

local function written_number(value)
  if math.type(value) == "integer" then
    return string.format("%d", value)
  end
  assert(value == value and math.abs(value) < math.huge, "a number that JSON cannot hold")
  return (string.format("%.17g", value):gsub(",", ".")) -- a locale may have put a comma there
end

local function written_string(value)
  return '"' .. value:gsub('[\0-\31\127"\\]', function(c) return string.format("\\u%04x", c:byte()) end) .. '"'
end

-- Write a message: an address, then numbers and strings.
function line.write(...)
  local parts = table.pack(...)
  for i = 1, parts.n do
    parts[i] = type(parts[i]) == "string" and written_string(parts[i]) or written_number(parts[i])
  end
  return "[" .. table.concat(parts, ",") .. "]"
end

-- Give the character of a \u escape at `at`, and where the text goes on; two halves of a pair are one character.
local function unicode(text, at)
  local code = tonumber(text:match("^%x%x%x%x", at) or "", 16)
  if not code then return nil end
  local low = tonumber(text:match("^\\u(%x%x%x%x)", at + 4) or "", 16)
  if code >= 0xD800 and code < 0xDC00 and low and low >= 0xDC00 and low < 0xE000 then
    return utf8.char(0x10000 + (code - 0xD800) * 0x400 + (low - 0xDC00)), at + 10
  end
  if code >= 0xD800 and code < 0xE000 then return nil end
  return utf8.char(code), at + 4
end

local function read_string(text, at)
  local parts = {}
  while true do
    local plain, stop = text:match(PLAIN, at)
    parts[#parts + 1] = plain
    local mark = text:sub(stop, stop)
    if mark == '"' then return table.concat(parts), stop + 1 end
    if mark ~= "\\" then return nil end
    local letter = text:sub(stop + 1, stop + 1)
    if letter == "u" then
      parts[#parts + 1], at = unicode(text, stop + 2)
    else
      parts[#parts + 1], at = ESCAPES[letter], stop + 2
    end
    if not at or #parts % 2 == 1 then return nil end
  end
end

local function read_value(text, at)
  if text:sub(at, at) == '"' then return read_string(text, at + 1) end
  local number, stop = text:match("^(%-?%d[%d%.eE+-]*)()", at)
  if number then return tonumber(number), stop end
  local word, after = text:match("^(%l+)()", at)
  if WORDS[word] ~= nil then return WORDS[word], after end
  return nil
end

-- Read a line: a list of strings, numbers, true and false. Nil for anything else, nested lists among them.
function line.read(text)
  local values, at = {}, text:match("^%s*%[%s*()")
  while at do
    local value, stop = read_value(text, at)
    if value == nil or not stop then return nil end
    values[#values + 1] = value
    local mark, following = text:match("^%s*([,%]])%s*()", stop)
    if mark == "]" then return following > #text and values or nil end
    at = mark and following
  end
  return nil
end

return line

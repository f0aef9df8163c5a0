-- Reads lines as the scripts do and writes them again: lua echo.lua BRIDGE. What is no message comes back as "nil".

package.path = arg[1] .. "/diffroll_live/?.lua;" .. package.path
local line = require("line")

for text in io.lines() do
  local message = line.read(text)
  print(message and line.write(table.unpack(message)) or "nil")
end
